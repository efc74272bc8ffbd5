"""What this session has put into its store already: it is not compressed, checked or flushed again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from blake3 import blake3

from jupyter_mlgov.capture.secrets import Secrets

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store
    from jupyter_mlgov.store.batch import Batch


class Kept:
    """The objects of one store that are known to be there, or wait in ``batch`` for the snapshot that is being made.
    Forget it when one turns out to be missing, and when a snapshot was not made."""

    def __init__(self, store: Store, secrets: Secrets) -> None:
        self.store = store
        self.batch: Batch = store.batch()
        self._secrets = secrets
        self._known_secrets = 0
        self._present: dict[str, str] = {}
        """Digest of what was put -> the name that the store gave it: in a rerun's sandbox it writes other paths."""
        self._texts: dict[str, str] = {}
        """Text -> the digest of its object."""

    def put(self, data: bytes) -> str:
        """The digest of ``data``, which is in the store afterwards."""
        return self.put_all([data])[0]

    def put_all(self, datas: Iterable[bytes]) -> list[str]:
        """As :meth:`put`, for many: those that are new are written together."""
        datas = list(datas)
        names = [f"blake3:{blake3(data).hexdigest()}" for data in datas]
        new = {name: data for name, data in zip(names, datas, strict=True) if name not in self._present}
        if new:
            self._present.update(zip(new, self.batch.put_all(list(new.values())), strict=True))
        return [self._present[name] for name in names]

    def has(self, digest: str) -> bool:
        """Whether the object is there."""
        if digest not in self._present and self.batch.has(digest):
            self._present[digest] = digest
        return self._present.get(digest) == digest

    def texts(self, texts: Iterable[str]) -> list[str]:
        """The digests of texts without their secrets."""
        texts = list(texts)
        if self._known_secrets != self._secrets.known:
            self._texts.clear()
            self._known_secrets = self._secrets.known
        new = [text for text in dict.fromkeys(texts) if text not in self._texts]
        self._texts.update(
            zip(new, self.put_all(text_bytes(self._secrets.redact(text)) for text in new), strict=True)
        )
        return [self._texts[text] for text in texts]


def text_bytes(text: str) -> bytes:
    """A text as it is stored: lone surrogates written out."""
    return text.encode("utf-8", "backslashreplace")
