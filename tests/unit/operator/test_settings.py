"""Settings from the environment."""

from __future__ import annotations

import pytest

from pickleball_operator.errors import SettingsError
from pickleball_operator.settings import OF_OTHERS, Settings, read, variable

IMAGES = {
    "PICKLEBALL_OPERATOR_IMAGE": "op:1",
    "PICKLEBALL_ENFORCE_IMAGE": "enf:1",
    "PICKLEBALL_GENERATE_IMAGE": "gen@sha256:" + "0" * 64,
}


def test_the_images_are_required_and_the_rest_has_defaults() -> None:
    """Without images the error names each variable and what it is for."""
    assert read(IMAGES).workers == 4
    with pytest.raises(SettingsError) as missing:
        read({})
    assert all(name in str(missing.value) for name in IMAGES)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PICKLEBALL_WORKERS", "0"),
        ("PICKLEBALL_WORKERS", "many"),
        ("PICKLEBALL_ANALYSIS_TTL", "soon"),
        ("PICKLEBALL_ANALYSIS_DISK", "0Gi"),
        ("PICKLEBALL_LOG_LEVEL", "loud"),
        ("PICKLEBALL_IMAGE_PULL_POLICY", "Sometimes"),
        ("PICKLEBALL_ENFORCE_IMAGE", "a b"),
        ("PICKLEBALL_TYPO", "1"),
        ("PICKLEBALL_PORT", "tcp://10.0.0.1:80"),
    ],
)
def test_wrong_and_unknown_variables_are_refused_by_name(name: str, value: str) -> None:
    """A misspelt setting is an error at start, not a default."""
    with pytest.raises(SettingsError, match=name):
        read({**IMAGES, name: value})


def test_every_field_is_a_documented_variable() -> None:
    """Each field has a text, and names of other commands are left to them."""
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert variable(name) == f"PICKLEBALL_{name.upper()}"
    assert read({**IMAGES, **dict.fromkeys(OF_OTHERS, "x"), "PATH": "x"}) == read(IMAGES)


def test_namespaces_are_a_list() -> None:
    """Commas separate, blanks and empty parts do not count."""
    assert read({**IMAGES, "PICKLEBALL_WATCH_NAMESPACES": "a, b,,"}).watch_namespaces == ("a", "b")
