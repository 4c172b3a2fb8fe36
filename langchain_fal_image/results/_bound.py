"""Values that know their provider without holding it when they are stored."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from langchain_fal_image.provider import FalProvider

__all__ = ["Bound"]


class Bound:
    """Base of frozen values that can act: read an image, wait for a request.

    A fresh value acts through the provider that made it. A restored one
    (unpickled, or made from an artifact) acts through the default provider, or
    through the one given to `using`. The provider is no part of the value: it is
    left out of equality, repr, pickles and traces.
    """

    _fal: FalProvider | None = None

    def using(self, fal: FalProvider | None) -> Self:
        """Give the same value, acting through another provider.

        Args:
            fal: The provider; None stands for the default instance.

        Returns:
            A copy; the value itself stays as it is.
        """
        return self._with(_fal=fal)

    @property
    def _provider(self) -> FalProvider:
        if self._fal is not None:
            return self._fal
        # The one import against the house's direction: a restored value has no
        # other way to the default instance.
        from langchain_fal_image.provider import fal  # noqa: PLC0415

        return fal

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
