"""A network: graphs of sets and heaps, shortest paths, an SVG drawing, a script that is run, text output."""

from __future__ import annotations

from tests.faults.reproducibility.fault import Fault, Folder, Subject, drawn

CELLS = (
    "import csv\nimport heapq\nimport itertools\nfrom collections import defaultdict, deque\nfrom IPython.display import HTML, SVG, display",
    "graph = defaultdict(dict)\nwith open('edges.csv', newline='') as file:\n    for a, b, km in csv.reader(file):\n        graph[a][b] = graph[b][a] = float(km)\nlen(graph), sum(map(len, graph.values())) // 2",
    "def shortest(start):\n    known, heap = {}, [(0.0, start)]\n    while heap:\n        far, node = heapq.heappop(heap)\n        if node not in known:\n            known[node] = far\n"
    "            for other, km in graph[node].items():\n                heapq.heappush(heap, (far + km, other))\n    return known",
    "%run lines.py",
    "seen, parts = set(), []\nfor node in sorted(graph):\n    if node not in seen:\n        part, todo = set(), deque([node])\n        while todo:\n            one = todo.popleft()\n            if one not in part:\n                part.add(one)\n                todo.extend(graph[one])\n        seen |= part\n        parts.append(part)\nprint([len(part) for part in parts], max(parts, key=len))",
    'lines_svg = \'\'.join(f\'<line x1="{10 * i}" y1="0" x2="{10 * i}" y2="{5 * len(graph[n])}" stroke="black"/>\' for i, n in enumerate(sorted(graph)))\nSVG(f\'<svg xmlns="http://www.w3.org/2000/svg" width="200" height="60">{lines_svg}</svg>\')',
    "%%experiment routes\nfar = shortest('n0')\nfurthest = max(sorted(far), key=far.get)\nlength = sum(far.values())\nprint(furthest, f'{far[furthest]:.1f} km', len(lines), 'lines')",
    "display(HTML('<table>' + ''.join(f'<tr><td>{n}</td><td>{far[n]:.2f}</td></tr>' for n in sorted(far)) + '</table>'))",
)
LINES = "lines = {'red': ['n0', 'n3', 'n5'], 'blue': ['n1', 'n2']}\nprint('lines:', *lines)\n"


def make(folder: Folder) -> None:
    rows = drawn(
        8,
        40,
        lambda _, n: f"n{int(14 * n[0])}",
        lambda _, n: f"n{int(14 * n[1])}",
        lambda _, n: round(1 + 9 * n[2], 1),
    )
    edges = dict.fromkeys(row for row in rows if row.split(",")[0] != row.split(",")[1])
    folder.write("edges.csv", "\n".join(["n0,n20,4.5", *edges]) + "\n")
    folder.write("lines.py", LINES)


EDGES = "edges.csv"
SUBJECT = Subject(
    name="routes",
    what="a network",
    make=make,
    cells=CELLS,
    general=("every cell formatted",),
    faults=(
        Fault("length of an edge", "data.values", EDGES, after=lambda f: f.replace(EDGES, "n0,n20,4.5", "n0,n20,0.5"), cell=6),
        Fault("script changed", "code.module", "lines.py", after=lambda f: f.replace("lines.py", "'blue'", "'green': ['n4'], 'blue'"), cell=3),
        Fault("script reformatted", after=lambda f: f.write("lines.py", "# the lines\nlines = {\n    'red': ['n0', 'n3', 'n5'],\n    'blue': ['n1', 'n2'],\n}\nprint('lines:', *lines)\n")),
        Fault("script missing", "code.module", "lines.py", after=lambda f: (f.path / "lines.py").unlink(), cell=3, also=("data.missing",)),
        Fault("first of a set", "randomness.hash-order", written=lambda f: f.edit("far = shortest('n0')", "nodes = set(graph)\nfar = shortest(next(iter(nodes)))"), cell=6),
        Fault("set's pop", "randomness.hash-order", written=lambda f: f.edit("far = shortest('n0')", "nodes = {*graph}\nfar = shortest(nodes.pop())"), cell=6),
        Fault("element ids", written=lambda f: f.edit("SVG(f'<svg", "import uuid\nmark = uuid.uuid4().hex\ndisplay(SVG(f'<svg xmlns=\"http://www.w3.org/2000/svg\"><defs><clipPath id=\"c{mark}\"/></defs><g clip-path=\"url(#c{mark})\"><text>42</text></g></svg>'))\nSVG(f'<svg")),
        Fault("objects' default reprs", written=lambda f: f.edit("seen, parts =", "class Node:\n    pass\nprint([Node(), Node()], shortest, (n for n in graph), itertools.count)\nseen, parts =")),
        Fault("name of a script deleted", "hidden-state.deleted-cell", "lines", written=lambda f: f.edit("%run lines.py", "print(len(lines))"), session=(0, 1, 2, "%run lines.py", 3, 4, 5, 6, 7)),
        Fault("reading appended twice", "hidden-state.repeated-run", "lines", written=lambda f: f.edit("lines_svg = ", "lines.setdefault('red', []).append('n9')\nlines[f'extra{len(lines)}'] = ['n0']\nlines_svg = "), session=(0, 1, 2, 3, 4, 5, 5, 6, 7), cell=5),
    ),
    pairs=(("length of an edge", "first of a set"),),
)  # fmt: skip
