"""The kustomize base says what the chart says, and an overlay names the images in one place."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml
from tests.chart.test_settings import ROOT
from tests.cluster.kubernetes import binaries
from tools import kustomize

if TYPE_CHECKING:
    from pathlib import Path

    from tests.chart.engine import Engine

IMAGES = {name: f"registry.example/{name}@sha256:{'0' * 64}" for name in ("operator", "enforce", "generate")}


def test_the_base_is_the_chart_with_its_default_values(chart: Engine) -> None:
    """It is written again by `make kustomize`."""
    assert kustomize.TARGET.read_text() == kustomize.base(chart), "run `make kustomize`"


def test_nothing_in_it_speaks_of_helm() -> None:
    """Labels and annotations that only Helm reads are left out."""
    text = kustomize.TARGET.read_text()
    assert "helm.sh" not in text
    assert "managed-by" not in text


def test_an_overlay_names_the_images_in_one_place(tmp_path: Path) -> None:
    """`kubectl kustomize` puts them everywhere: containers, settings, and what the API server compares with."""
    kubectl = binaries.folder() / "kubectl"
    if not kubectl.exists():
        assert os.environ.get("CI") != "true", "kubectl is missing: make test-cluster builds it"
        pytest.skip("kubectl is missing: make test-cluster builds it")
    for name in ("base", "images"):
        (tmp_path / name).symlink_to(ROOT / "kustomize" / name)
    overlay = tmp_path / "overlay"
    overlay.mkdir()
    metadata = {"name": "pickleball-images", "annotations": {"config.kubernetes.io/local-config": "true"}}
    images = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": IMAGES}
    (overlay / "images.yaml").write_text(yaml.safe_dump(images))
    kustomization = {"resources": ["../base", "images.yaml"], "components": ["../images"]}
    (overlay / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    done = subprocess.run([kubectl, "kustomize", overlay], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    built = [one for one in yaml.safe_load_all(done.stdout) if one]
    assert "pickleball-images" not in {one["metadata"]["name"] for one in built}
    for name, image in IMAGES.items():
        assert done.stdout.count(image) == {"operator": 4, "enforce": 4, "generate": 2}[name]
    assert "pickleball-enforce:" not in done.stdout
    assert len(built) == len(list(yaml.safe_load_all(kustomize.TARGET.read_text()))) + 1
