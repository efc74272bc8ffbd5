"""The routes of approvals: who would sign, and a signed decision about a snapshot.

The key stays on the server, and a passphrase never comes over the network: a key that needs one signs in a terminal.
No key is made here, either: who signs makes one by hand, once, and knows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mlgov.governance import keys
from jupyter_mlgov.server.answers import DecisionRequest, Signer, SigningKey
from jupyter_mlgov.server.handlers import MlgovHandler, guarded, ref_of

if TYPE_CHECKING:
    from jupyter_mlgov.project import Project


class SignerHandler(MlgovHandler):
    """Who would sign."""

    @guarded("read")
    async def get(self) -> None:
        """Their name and the public parts of their keys."""

        def read(project: Project, _: str | None) -> Signer:
            found = tuple(
                SigningKey(name=one.name, key=one.key, protection=one.protection, opens=keys.opens_alone(one))
                for one in keys.listed()
            )
            return Signer(name=project.author(), keys=found)

        self.answer(await self.in_project(read))


class DecisionsHandler(MlgovHandler):
    """Signs decisions. Who may do that can make the server's user do anything: it asks for the right to execute."""

    @guarded("execute")
    async def post(self, ref: str) -> None:
        """201 and what is on the ledger now; 404 without the key, 409 where it needs a passphrase."""
        name = ref_of(ref)
        request = self.body(DecisionRequest, 'send "decision", "name", "role", "message" and "key"')

        def sign(project: Project, _: str | None) -> dict[str, Any]:
            return project.approve(
                name,
                name=request.name,
                role=request.role,
                decision=request.decision,
                message=request.message,
                accepts=request.accepts,
                key=request.key,
            )

        self.answer(await self.in_project(sign), 201)
