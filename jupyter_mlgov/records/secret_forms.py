"""How secrets look.

Some are unmistakable wherever they stand: a cloud key, a private key, a password in a URL. Others are known by the
name that they are given (``password = "..."``), and there it is the value that decides whether it is one or only
speaks of one (``password_field = "Password"``, ``pad_token = "[PAD]"``, ``api_key = "OPENAI_API_KEY"``).

Every form is found by a literal piece of text, its *hint*, and a pattern that has to match right there: most text
holds no hint, so searching costs about as much as reading. No pattern may take more than time in proportion to the
text, whatever the text: ``re`` holds the interpreter's lock while it searches, and nothing can interrupt it. So repeats
that stand beside each other never take the same character (or are possessive), and what may be long is a ``run``.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

REDACTED = "<redacted>"

Kind = Literal["password", "key", "token", "pem"]

BEFORE = 200
"""Characters before a hint that a form may look at."""


class Lazy:
    """A pattern that is compiled when it is first used: a session meets few of the forms, and all of them take as long to
    compile as the rest of a first snapshot to record."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.group: str | int = "secret" if "(?P<secret>" in pattern else 0
        """The group that is the secret."""

    @functools.cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern)

    def match(self, text: str, at: int) -> re.Match[str] | None:
        return self._compiled.match(text, at)

    def fullmatch(self, text: str) -> re.Match[str] | None:
        return self._compiled.fullmatch(text)

    def search(self, text: str) -> re.Match[str] | None:
        return self._compiled.search(text)


class Form(Struct, frozen=True):
    """One way in which a secret is written down. The group ``secret`` is it; without one, the whole match."""

    hints: tuple[str, ...]
    """In lower case; the pattern is matched where one of them begins."""
    pattern: Lazy
    kind: Kind = "key"
    before: Lazy | None = None
    """Has to be found in what stands before the hint (write it to end with ``\\Z``)."""
    after: tuple[str, ...] = ()
    """Words, one of which the hint has to come after (see :func:`comes_after`)."""
    counts: Callable[[str], bool] = lambda secret: True
    """Whether what was found is one, where the pattern alone cannot tell."""
    run: bool = False
    """True where the secret is a run of characters of one kind that has no greatest length: what begins inside it ends
    where it ends, and is not looked at again."""

    def may_follow(self, before: str) -> bool:
        """Whether it can stand after the text ``before``."""
        return self.before is None or self.before.search(before) is not None


# -- values ----------------------------------------------------------------------------------------------------

_WORDS = Lazy(r"[A-Za-z]+(?:[ _.,:;!?/-]+[A-Za-z]+)*[ .:?!]*(?:[ _-]?\d{1,2})?")
"""Words rather than something random: ``OPENAI_API_KEY``, ``Enter your password:``, ``column_1``."""

_PLACEHOLDER = Lazy(
    r"(?i)(?=.*\Z)(?:<.*>|\[.*\]|\{.*\}|.*\$\{?\w+\}?.*|.*\{\w*\}.*|%\(?\w*\)?s|[*x.\-_•#]+|your[ _-].*|"
    r"my[ _-]?(?:password|secret|token|key)|change[ _-]?me|todo|tbd|redacted|none|null|nil|true|false|yes|no|str|string|"
    r"text|object|category|bool|boolean|date|datetime|bytes|(?:u?int|float|complex|datetime)\d+(?:\[\w+\])?|"
    r"varchar\(\d+\)|hidden|required|optional|example|default|undefined|n/?a)"
)
_LOCATION = Lazy(r"(?:\.{0,2}/|~/|[A-Za-z]:\\|file:|https?:|arn:|vault:|op:|env:|projects/)\S*")
_SPEAKS_OF_ONE = Lazy(r"(?i)pass|pwd|secret|token|key|credential|login|auth")
_CONSTANT = Lazy(r"[A-Z0-9]+(?:_[A-Z0-9]+)+")
_ATTRIBUTE = Lazy(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")


def is_secret_value(kind: Kind, value: str) -> bool:
    """Whether ``value``, given to a name of that ``kind``, is a secret and not a word about one."""
    text = value.strip()
    if len(text) < 4 or REDACTED in text or _PLACEHOLDER.fullmatch(text) or _LOCATION.fullmatch(text):
        return False
    words = _WORDS.fullmatch(text) is not None
    if kind == "password":
        return not (words and (_SPEAKS_OF_ONE.search(text) or _CONSTANT.fullmatch(text)))
    if words or " " in text or len(text) < 6:
        return False
    digits = any(letter.isdigit() for letter in text)
    if kind == "key":
        return digits or len(text) >= 16
    letters = any(letter.isalpha() for letter in text)
    return digits and letters and len(text) >= 12 and not re.search(r"[<>\[\]|(){},]", text)


def is_bare_secret(kind: Kind, value: str) -> bool:
    """The same for a value without quotes, which may be code: an attribute, a type, a name."""
    if _ATTRIBUTE.fullmatch(value) or not re.search(r"[\d!@#%^+/~]", value):
        return False
    return is_secret_value(kind, value)


def _no_placeholder(value: str) -> bool:
    return REDACTED not in value and not _PLACEHOLDER.fullmatch(value)


def _random(text: str) -> bool:
    """Digits and letters mixed, not an identifier made of words."""
    parts = re.split(r"[_.=-]+", text)
    mixed = any(
        len(part) >= 12 and any(c.isdigit() for c in part) and any(c.isalpha() for c in part)
        for part in parts
    )
    return mixed or sum(c.isdigit() for c in text) >= 6


# -- names -----------------------------------------------------------------------------------------------------

NAMES: dict[Kind, tuple[str, ...]] = {
    "password": ("password", "passwd", "passphrase", "passcode", "pwd"),
    "key": ("secret", "credential", "key"),
    "token": ("token", "bearer", "jwt"),
}
"""What the last word of a name says about the value. A name that goes on (``password_field``) says something else."""

_KEYS = (
    "api", "access", "auth", "secret", "private", "encryption", "signing", "account", "storage", "subscription", "master",
    "license", "service",
)  # fmt: skip
"""What makes a key one that opens something: not ``primary_key``, ``sort_key``, ``keyboard_key``."""


def comes_after(before: str, words: tuple[str, ...]) -> bool:
    """Whether ``before``, in lower case, ends with one of ``words``, and maybe one of ``_.-`` after it."""
    return before.endswith(words) or (before[-1:] in ("_", ".", "-") and before[:-1].endswith(words))


def kind_of_name(name: str) -> Kind | None:
    """What the value of ``name`` is where the name says so, else None."""
    last = name.lower().rstrip("0123456789").rstrip("_-").removesuffix("s")
    for kind, nouns in NAMES.items():
        for noun in nouns:
            if last.endswith(noun) and (noun != "key" or comes_after(last.removesuffix(noun), _KEYS)):
                return kind
    return None


_NUMBER = r"(?:s|[_-]?\d{1,3})?"
_QUOTED = r"(?P<quote>\\*(?:\"\"\"|'''|\"|'))(?P<secret>(?:(?!(?P=quote))[^\n]){1,500}?)(?P=quote)"
_LINE_START = Lazy(
    r"(?im)^[+\- >]?[ \t]*(?:(?:export|set|setx|env|arg|%env|%set_env|-e|-)[ \t]+)?[a-z0-9_.-]{0,60}\Z"
)


def _named(kind: Kind, *names: str, after: tuple[str, ...] = ()) -> tuple[Form, ...]:
    noun = rf"(?i:{'|'.join(names)}){_NUMBER}"
    quoted = lambda secret: is_secret_value(kind, secret)  # noqa: E731
    bare = lambda secret: is_bare_secret(kind, secret)  # noqa: E731
    forms = (
        # password = "...", "password": "...", password: str = "...", os.environ["PASSWORD"] = "..."
        Form(
            names,
            Lazy(
                rf"{noun}\\*[\"']?\]?[ \t]*+(?::[ \t]*+[\w.\[\], |]{{1,60}}+[ \t]*+)?"
                rf"(?:=>|:=|={{1,2}}|:)\s*(?i:[rbuf]{{0,2}}){_QUOTED}"
            ),
            kind,
            counts=quoted,
        ),
        # os.getenv("PASSWORD", "...")
        Form(
            names,
            Lazy(rf"{noun}\\*[\"'],\s*{_QUOTED}"),
            kind,
            Lazy(r"(?:getenv|setenv|putenv|setdefault|environ\.get|environ\.pop)\(\s*\\*[\"']\w*\Z"),
            counts=quoted,
        ),
        # PASSWORD=... on a line of its own
        Form(
            names,
            Lazy(rf"{noun}=(?P<secret>[^\s\"'()\[\]{{}},;<>`$]{{4,500}}+)[ \t]*+(?=\r?\n|\Z)"),
            kind,
            _LINE_START,
            counts=bare,
        ),
        # password: ... likewise
        Form(
            names,
            Lazy(
                rf"{noun}[ \t]*:[ \t]+(?P<secret>[^\s\"'()\[\]{{}},;<>`$&*|!]{{4,500}}+)[ \t]*+(?=\r?\n|\Z)"
            ),
            kind,
            _LINE_START,
            counts=bare,
        ),
        # --password=..., --api-key ...
        Form(
            names,
            Lazy(rf"{noun}(?:=|[ \t]+)\\*[\"']?(?P<secret>[^\s\"'\\$<{{(-][^\s\"'\\)]{{3,200}})"),
            kind,
            Lazy(r"(?<![\w-])--[\w-]{0,40}\Z"),
            counts=quoted,
        ),
        # "...?access_token=..."
        Form(
            names,
            Lazy(rf"{noun}=(?P<secret>[^&\s\"'<>{{}}#;\\]{{8,}})"),
            kind,
            Lazy(r"[?&;](?:amp;)?\w{0,20}\Z"),
            counts=_no_placeholder,
            run=True,
        ),
    )
    return tuple(replace(form, after=after) for form in forms)


# -- forms of their own ----------------------------------------------------------------------------------------

_TOKENS = (
    "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "glptt-", "gldt-", "glrt-", "glcbt-", "glft-",
    "glimt-", "glagent-", "glsoat-", "gloas-", "glffct-", "hf_", "api_org_", "npm_", "pypi-", "rubygems_", "dckr_pat_",
    "sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_", "dapi", "dop_v1_", "doo_v1_", "dor_v1_", "shpat_", "shpca_",
    "shppa_", "shpss_", "sq0atp-", "sq0csp-", "lin_api_", "ntn_", "figd_", "r8_", "gsk_", "xai-", "pplx-", "tvly-", "pcsk_",
    "lsv2_pt_", "lsv2_sk_", "glsa_", "nrak-", "hvs.", "hvb.", "hvr.", "dp.pt.", "dp.st.", "hrku-", "pmak-", "pnu_", "pnb_",
    "atatt3", "sntrys_", "sntryu_", "sbp_", "pscale_tkn_", "pscale_pw_", "kgat_", "tskey-", "nfp_", "wandb_v1_", "gocspx-",
    "ya29.", "xapp-", "xoxa-", "xoxb-", "xoxc-", "xoxe-", "xoxe.", "xoxo-", "xoxp-", "xoxr-", "xoxs-",
)  # fmt: skip
"""What the tokens of known services begin with (GitHub, GitLab, Hugging Face, PyPI, Stripe, Slack ...)."""

_LOGIN = r"(?:login\s+\S+\s+)?(?:account\s+\S+\s+)?password\s+(?P<secret>[^\s\"']+)"
_DSN = r"(?:host|hostaddr|dbname|port|user|sslmode)"

FORMS: tuple[Form, ...] = (
    Form(
        ("-----begin ",),
        Lazy(
            r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"
            r"(?:(?:(?!-----BEGIN )[\s\S]){0,20000}?-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|"
            r"(?:[A-Za-z0-9+/=\s]|\\n)*)"
        ),
        "pem",
    ),
    Form(("private-lines: ",), Lazy(r"Private-Lines: \d+\s+(?P<secret>[A-Za-z0-9+/=\s]+)"), "pem"),
    # The secret half of an AWS key has no form of its own: it is known by the id that stands before it.
    Form(
        ("akia", "asia"),
        Lazy(
            r"A[KS]IA[0-9A-Z]{16}[^A-Za-z0-9/+=]{1,40}(?:[A-Za-z][A-Za-z_]{0,39}[^A-Za-z0-9/+=]{1,10})?"
            r"(?P<secret>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"
        ),
    ),
    Form(
        ("akia", "asia"),
        Lazy(r"(?<![A-Za-z0-9])A[KS]IA[0-9A-Z]{16}(?![A-Za-z0-9])"),
    ),
    Form(
        ("aws_secret_access_key", "aws_session_token", "aws_security_token"),
        Lazy(r"\w{1,60}+\\*[\"']?\]?\s*[:=,]\s*\\*[\"']?(?P<secret>[A-Za-z0-9/+=]{30,})"),
    ),
    Form(
        _TOKENS,
        Lazy(r"(?<![A-Za-z0-9_])[A-Za-z0-9_.=-]{20,}"),
        counts=_random,
        run=True,
    ),
    Form(
        ("sk-",),
        Lazy(
            r"(?<![A-Za-z0-9_-])sk-(?:(?=[A-Za-z0-9_-]*[A-Z])(?=[A-Za-z0-9_-]*\d)[A-Za-z0-9_-]{20,}|(?:or-v1-)?[0-9a-f]{32,})"
        ),
    ),
    Form(("aiza",), Lazy(r"(?<!\w)AIza[0-9A-Za-z_-]{35}(?![0-9A-Za-z_-])")),
    Form(("1//0",), Lazy(r"(?<!\w)1//0[A-Za-z0-9_-]{40,}")),
    Form(
        ("eyj",),
        Lazy(r"(?<![A-Za-z0-9])eyJ[A-Za-z0-9_-]{10,4000}+\.eyJ[A-Za-z0-9_-]{10,}+\.[A-Za-z0-9_-]{10,}"),
        "token",
    ),
    Form(
        ("sg.",),
        Lazy(r"(?<!\w)SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}"),
    ),
    Form(
        (":aa",),
        Lazy(r":(?P<secret>AA[A-Za-z0-9_-]{33})(?!\w)"),
        before=Lazy(r"(?<!\d)\d{8,10}\Z"),
    ),
    Form(
        ("q~",),
        Lazy(r"Q~[A-Za-z0-9_~.-]{31,34}"),
        before=Lazy(r"(?<![A-Za-z0-9_~.-])[A-Za-z0-9_~.-]{3}\d\Z"),
    ),
    Form((".atlasv1.",), Lazy(r"\.atlasv1\.(?P<secret>[A-Za-z0-9_=-]{60,})")),
    Form(("age-secret-key-1",), Lazy(r"AGE-SECRET-KEY-1[0-9A-Z]{50,}")),
    Form(
        ("hooks.slack.com/", "/api/webhooks/"),
        Lazy(
            r"(?:hooks\.slack\.com/(?:services|workflows|triggers)/|/api/webhooks/\d+/)(?P<secret>[A-Za-z0-9/_+-]{20,})"
        ),
        run=True,
    ),
    # kaggle.json
    Form(
        ('"username"',),
        Lazy(r"\"username\"\s*:\s*\"[^\"\n]{1,100}\"\s*,\s*\"key\"\s*:\s*\"(?P<secret>[0-9a-f]{32})\""),
    ),
    # -- in URLs and connection strings
    Form(
        ("://",),
        Lazy(r"://[^\s:/@'\"<>]{0,200}:(?P<secret>[^\s/'\"<>]{1,300})@(?=[\w.\[{%$-])"),
        "password",
        counts=_no_placeholder,
    ),
    Form(
        ("://",),
        Lazy(r"://(?P<secret>[A-Za-z0-9_-]{20,300})@(?=[\w.\[-])"),
        before=Lazy(r"(?i)https?\Z"),
    ),
    Form(
        ("sig=", "signature=", "x-amz-credential="),
        Lazy(r"[\w-]+=(?P<secret>[^&\s\"'<>{}#;\\]{8,})"),
        before=Lazy(r"(?i)[?&;](?:amp;)?[\w-]{0,20}\Z"),
        counts=_no_placeholder,
        run=True,
    ),
    Form(
        ("accountkey=", "sharedaccesskey=", "sharedsecretvalue="),
        Lazy(r"\w+=(?P<secret>[A-Za-z0-9+/=_-]{16,})"),
        run=True,
    ),
    Form(
        ("pwd=", "password="),
        Lazy(r"\w+=(?P<secret>[^;\"'\s]{3,200})"),
        "password",
        Lazy(r";[ \t]*\Z"),
        counts=_no_placeholder,
    ),
    Form(
        ("pwd=", "password="),
        Lazy(r"\w+=(?P<secret>[^;\"'\s(),]{3,200}+);(?=\s*[A-Za-z ]{2,30}=)"),
        "password",
        counts=_no_placeholder,
    ),
    Form(
        ("password=",),
        Lazy(r"\w+=\s?'?(?P<secret>[^\s'\",()]{3,200})"),
        "password",
        Lazy(rf"\b{_DSN}\s?=\s?[^\s,()]+(?:\s+\w+\s?=\s?[^\s,()]+){{0,8}}\s+\Z"),
        counts=_no_placeholder,
    ),
    Form(
        ("password=",),
        Lazy(rf"\w+=(?P<secret>[^\s'\",()]{{3,200}}+)\s+{_DSN}="),
        "password",
        counts=_no_placeholder,
    ),
    # .netrc
    Form(
        ("machine ",),
        Lazy(rf"machine\s+[\w.:-]+\s+{_LOGIN}"),
        "password",
        counts=_no_placeholder,
    ),
    Form(
        ("default ",),
        Lazy(rf"default\s+{_LOGIN}"),
        "password",
        Lazy(r"(?m)^[ \t]*\Z"),
        counts=_no_placeholder,
    ),
    # -- in headers and on command lines
    Form(
        ("bearer ",),
        Lazy(r"(?i)bearer\s+(?P<secret>(?=[A-Za-z0-9._~+/-]*\d)[A-Za-z0-9._~+/-]{16,}=*)"),
        "token",
    ),
    Form(
        ("authorization",),
        Lazy(
            r"(?i)authorization\\*[\"']?\s*[:=,]\s*\\*[\"']?(?:basic|token|apikey|digest|key)\s+"
            r"(?P<secret>[A-Za-z0-9+/._~=-]{8,})"
        ),
    ),
    Form(
        ("curl ", "wget "),
        Lazy(
            r"\w+ [^\n]{0,300}?(?<=\s)(?:-u|--user)[= ]\\*+[\"']?[^\s:\"']{1,200}+:(?P<secret>[^\s\"'\\]{3,})"
        ),
        "password",
        Lazy(r"(?<!\w)\Z"),
        counts=_no_placeholder,
    ),
    *_named("password", *NAMES["password"]),
    *_named("key", "secret", "credential"),
    *_named("key", "key", after=_KEYS),
    *_named("token", *NAMES["token"]),
)


def _by_hint() -> dict[str, tuple[Form, ...]]:
    found: dict[str, list[Form]] = {}
    for form in FORMS:
        for hint in form.hints:
            found.setdefault(hint, []).append(form)
    return {hint: tuple(forms) for hint, forms in found.items()}


BY_HINT = _by_hint()
"""Every form under each of its hints."""
