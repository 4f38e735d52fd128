"""The kustomize base, made from the chart with its default values: `make kustomize`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml
from tests.chart.engine import Engine

TARGET = Path(__file__).parents[1] / "kustomize" / "base" / "pickleball.yaml"
HEAD = "# Made from charts/pickleball by `make kustomize`; do not edit.\n"
OF_HELM = ("helm.sh/chart", "helm.sh/resource-policy")
MANAGED = "app.kubernetes.io/managed-by"


def base(engine: Engine) -> str:
    """The chart's manifests, without what only Helm reads."""
    manifests = engine.render()
    for manifest in manifests:
        _plain(manifest["metadata"])
        template = manifest.get("spec", {}).get("template", {})
        if "metadata" in template:
            _plain(template["metadata"])
    return HEAD + yaml.safe_dump_all(manifests, sort_keys=False, width=120)


def _plain(metadata: dict[str, Any]) -> None:
    for part in ("labels", "annotations"):
        kept = {key: value for key, value in (metadata.get(part) or {}).items() if key not in (*OF_HELM, MANAGED)}
        metadata.pop(part, None)
        if kept:
            metadata[part] = kept


def main() -> None:
    """Write it."""
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine.start(Path(folder))
        try:
            TARGET.write_text(base(engine))
        finally:
            engine.stop()
    print(TARGET, file=sys.stderr)


if __name__ == "__main__":
    main()
