"""Values bound to a session, which is dropped when they are pickled."""

from __future__ import annotations

import copy
from typing import Any, Self

from langchain_fal_image._session.default import default_session
from langchain_fal_image._session.session import Session

__all__ = ["Bound"]


class Bound:
    """Base of frozen values that call fal, for example to read an image.

    A new value uses the provider that created it. A restored one (unpickled, or read
    from an artifact) uses the default provider, or the one passed to `using`. The
    provider is not part of equality, repr, pickles or traces.
    """

    _fal: Session | None = None

    def using(self, fal: Session | None) -> Self:
        """Return a copy that uses another provider.

        Args:
            fal: The provider; None for the default instance.
        """
        return self._with(_fal=fal)

    @property
    def _session(self) -> Session:
        return self._fal or default_session()

    def _with(self, **changes: Any) -> Self:
        changed = copy.copy(self)
        for name, value in changes.items():
            object.__setattr__(changed, name, value)
        return changed

    def __copy__(self) -> Self:
        fresh = object.__new__(type(self))
        fresh.__dict__.update(self.__dict__)
        return fresh

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_fal"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
