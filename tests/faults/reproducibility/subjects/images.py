"""Images: a folder of PNGs read with PIL, features in arrays, a contact sheet, means, a clustering."""

from __future__ import annotations

from pathlib import Path

from tests.faults.reproducibility.fault import Fault, Folder, Subject

CELLS = (
    "from pathlib import Path\nimport numpy as np\nfrom PIL import Image\nimport matplotlib.pyplot as plt\nfrom sklearn.cluster import KMeans\n%matplotlib inline",
    "ROOT = Path('tiles')\nimages = {p.stem: np.asarray(Image.open(p).convert('RGB')) for p in sorted(ROOT.glob('*.png'))}\nprint({name: image.shape for name, image in images.items()})",
    "Image.fromarray(next(iter(images.values())))",
    "features = np.array([[image.mean(), image.std(), image[..., 0].mean()] for image in images.values()])\nnp.set_printoptions(precision=3, suppress=True)\nfeatures",
    "fig, axes = plt.subplots(1, len(images), figsize=(6, 1.5))\nfor ax, (name, image) in zip(axes, images.items()):\n    ax.imshow(image)\n    ax.set_title(name, fontsize=6)\n    ax.axis('off')",
    "%%experiment tiles\nclusters = KMeans(n_clusters=2, n_init=3, random_state=0).fit(features)\ninertia = float(clusters.inertia_)\nprint(clusters.labels_, f'{inertia:.6g}')",
    "np.save('features.npy', features)\nmask = images['a'][..., 0] > 100\nImage.fromarray((mask * 255).astype('uint8'))",
)


def _png(path: Path, seed: int, *, level: int = 6, text: str = "") -> None:
    import numpy as np
    from PIL import Image, PngImagePlugin

    x, y = np.meshgrid(np.arange(24), np.arange(16))
    layers = [(x * (seed + 3) + y * 5) % 256, (x * y * seed) % 256, (40 * seed + x) % 256]
    info = PngImagePlugin.PngInfo()
    if text:
        info.add_text("Comment", text)
    Image.fromarray(np.dstack(layers).astype("uint8")).save(path, compress_level=level, pnginfo=info)


def make(folder: Folder) -> None:
    (folder.path / "tiles").mkdir()
    for seed, name in enumerate("abcde", 1):
        _png(folder.path / f"tiles/{name}.png", seed)


def _saved_again(folder: Folder) -> None:
    for seed, name in enumerate("abcde", 1):
        _png(folder.path / f"tiles/{name}.png", seed, level=1, text="saved by another program")


def _made_backwards(folder: Folder) -> None:
    for seed, name in reversed(list(enumerate("abcde", 1))):
        (folder.path / f"tiles/{name}.png").unlink()
        _png(folder.path / f"tiles/{name}.png", seed)


SUBJECT = Subject(
    name="images",
    what="images",
    make=make,
    cells=CELLS,
    general=("project moved",),
    faults=(
        Fault("pixels of an image", "data.values", "tiles/c.png", after=lambda f: _png(f.path / "tiles/c.png", 9), cell=3, variable="features"),
        Fault("images saved again", after=_saved_again),
        Fault("unsorted glob", "randomness.filesystem-order", written=lambda f: f.edit("sorted(ROOT.glob('*.png'))", "ROOT.glob('*.png')"), after=_made_backwards, in_memory=True, cell=1),
        Fault("augmented without a seed", "randomness.unseeded", written=lambda f: f.edit("Image.fromarray(next", "noise = np.random.randint(0, 40, (16, 24, 3))\nnoisy = np.clip(images['a'] + noise, 0, 255).astype('uint8')\nImage.fromarray(noisy)\nImage.fromarray(noisy) if True else Image.fromarray(next"), cell=2),
        Fault("date drawn into a figure", "time", written=lambda f: f.edit("fig, axes =", "import datetime\nfig, axes =") or f.edit("    ax.axis('off')", "    ax.axis('off')\nfig.suptitle(datetime.datetime.now().strftime('%H:%M:%S.%f'), fontsize=6)"), cell=4),
        Fault("progress on stderr and stdout", written=lambda f: f.edit("features = np", "import sys, time\nfor i in range(3):\n    print(f'\\rtile {i + 1}/3', end='')\n    time.sleep(0.01)\nprint()\nprint('warming up', file=sys.stderr)\nfeatures = np")),
    ),
    pairs=(("pixels of an image", "augmented without a seed"),),
)  # fmt: skip
