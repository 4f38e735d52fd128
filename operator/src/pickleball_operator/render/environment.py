"""Jinja2 templates that give JSON: every expression comes out as JSON, so that no value can become structure."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError
from jinja2.runtime import Undefined

from pickleball_operator.errors import RenderError

if TYPE_CHECKING:
    from collections.abc import Mapping


def _as_json(value: object) -> str:
    if isinstance(value, Undefined):
        value._fail_with_undefined_error()  # noqa: SLF001 - what StrictUndefined does on output
    return json.dumps(value, allow_nan=False)


@functools.cache
def environment() -> Environment:
    """The one environment that all templates are rendered in."""
    return Environment(  # noqa: S701 - nothing is HTML here: `finalize` emits every expression as JSON
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        finalize=_as_json,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def fill(template: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest that a template of this package gives for these values."""
    try:
        text = environment().get_template(template).render(values)
        manifest = json.loads(text)
    except (TemplateError, ValueError, TypeError) as error:
        raise RenderError(f"{template}: {error}") from error
    if not isinstance(manifest, dict):
        raise RenderError(f"{template}: gives {type(manifest).__name__}, not an object")
    return manifest
