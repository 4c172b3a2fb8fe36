"""Settings of one call that are not options of the endpoint, in the AI SDK's names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_fal_image._formats.headers import is_valid_header
from langchain_fal_image.options.casing import match_name, normalize_name
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.issues import Issues, Option

__all__ = ["CallSettings", "is_call_setting", "take_call_settings"]

_LayerOptions = tuple[str, Mapping[str, Any]]

# What Python and LangChain have in place of other settings of the AI SDK.
_REPLACED = {
    "abortsignal": "timeout=…, cancelling the task that awaits ainvoke, or "
    "fal.cancel_open()",
    "telemetry": "callbacks in the config, as for every runnable",
    "experimentaltelemetry": "callbacks in the config, as for every runnable",
}
_NAMES = frozenset({"headers", "maxretries", "maximagespercall", *_REPLACED})
_PROVIDER_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie"})
# Headers that this package or its HTTP client sets.
_OWN_HEADERS = frozenset(
    {
        *("accept", "accept-encoding", "connection", "content-encoding"),
        *("content-length", "content-type", "expect", "host", "keep-alive", "te"),
        *("proxy-connection", "trailer", "transfer-encoding", "upgrade", "user-agent"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSettings:
    """How one call is sent.

    Attributes:
        headers: HTTP headers of its requests, names in lower case.
        max_retries: How often its submit may be sent again; None for the provider's
            setting.
        max_images: The maximum number of images of one request; None for no maximum.
    """

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    max_retries: int | None = None
    max_images: int | None = None

    def check_images(self, number: int, issues: Issues) -> None:
        """Add a fault if a call makes more images than one request may."""
        if self.max_images is not None and number > self.max_images:
            issues.add_fault(
                Option("max_images_per_call", self.max_images, "call"),
                f"is less than the {number} images of this call, which makes one "
                "request",
                allowed=f"{number} or more, or several calls with fewer images",
            )


def is_call_setting(name: str) -> bool:
    """Return whether a name, in any spelling, is that of a setting of a call."""
    return normalize_name(name) in _NAMES


def take_call_settings(
    schema: EndpointSchema | None, layers: Sequence[_LayerOptions], issues: Issues
) -> tuple[list[_LayerOptions], CallSettings]:
    """Separate the settings of a call from the options of the endpoint.

    Later layers win; their headers are merged. An option of the endpoint that has the
    name of a setting stays an option.
    """
    own = schema.fields if schema else {}
    rest: list[_LayerOptions] = []
    headers: dict[str, str] = {}
    others: dict[str, Option] = {}
    for layer, options in layers:
        found = {
            name: Option(name, value, layer)
            for name, value in options.items()
            if isinstance(name, str)
            and is_call_setting(name)
            and match_name(name, own) is None
        }
        rest.append((layer, {k: v for k, v in options.items() if k not in found}))
        by_form: dict[str, Option] = {}
        for option in found.values():
            form = normalize_name(option.name)
            if option.value is None:
                continue
            if form == "headers":
                headers |= _read_headers(option, issues)
            elif by_form.setdefault(form, option).value != option.value:
                issues.add_contradiction(by_form[form], option)
        others |= by_form
    for form in _REPLACED.keys() & others.keys():
        issues.add_fault(others[form], "is not supported", allowed=_REPLACED[form])
    return rest, CallSettings(
        headers=headers,
        max_retries=_read_number(others.get("maxretries"), 0, issues),
        max_images=_read_number(others.get("maximagespercall"), 1, issues),
    )


def _read_number(option: Option | None, least: int, issues: Issues) -> int | None:
    value = option.value if option else None
    if option is None or (type(value) is int and value >= least):
        return value
    issues.add_fault(option, "is wrong", allowed=f"a whole number from {least}")
    return None


def _read_headers(option: Option, issues: Issues) -> dict[str, str]:
    if not isinstance(option.value, Mapping):
        allowed = "such as {'X-Fal-Store-IO': '0'}"
        problem = "is not a mapping"
        issues.add_fault(option, problem, allowed=allowed, show_value=False)
        return {}
    headers: dict[str, str] = {}
    for name, value in option.value.items():
        if fault := _find_fault(name, value):
            # The value may be a secret, so the message does not contain it.
            header = Option(f"{option.name}[{name!r}]", value, option.layer)
            issues.add_fault(header, fault[0], allowed=fault[1], show_value=False)
        else:
            headers[name.lower()] = value
    return headers


def _find_fault(name: object, value: object) -> tuple[str, str] | None:
    """Return what is wrong with a header, and what is allowed."""
    if not isinstance(name, str) or not isinstance(value, str):
        return "is not text", "names and values that are text"
    if name.lower() in _PROVIDER_HEADERS:
        step = "create_fal(api_key=…) or create_fal(headers=…)"
        return "belongs to the provider, not to a call", step
    if name.lower() in _OWN_HEADERS:
        return "is set by the HTTP client", "others, such as X-Fal-Store-IO"
    if not is_valid_header(name, value):
        return "is not a valid HTTP header", "one line of ASCII characters"
    return None
