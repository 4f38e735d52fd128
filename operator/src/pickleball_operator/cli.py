"""The command `pickleball-operator`."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from pickleball_operator import settings as settings_of
from pickleball_operator.errors import KubeError, OperatorError, ResultError, SpecError
from pickleball_operator.kube.cluster import Cluster
from pickleball_operator.local import command
from pickleball_operator.local.command import read_all
from pickleball_operator.model import crd, parse
from pickleball_operator.names import KIND
from pickleball_operator.publish import publish
from pickleball_operator.reference import PAGES
from pickleball_operator.render.show import show
from pickleball_operator.webhook import run as webhook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pickleball_operator.kube import Kube


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 1 refused, 2 bad input."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except OperatorError as error:
        print(f"pickleball-operator: {error}", file=sys.stderr)
        return 2
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pickleball-operator", description="PickleBall's Kubernetes operator.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    crds = commands.add_parser("crds", help="print the CustomResourceDefinition")
    crds.set_defaults(run=_crds)
    reference = commands.add_parser("reference", help="print a page of docs/reference")
    reference.add_argument("page", choices=sorted(PAGES))
    reference.set_defaults(run=_reference)
    run = commands.add_parser("run", help="run the controller")
    run.set_defaults(run=_run)
    serve = commands.add_parser("webhook", help="run the webhook that injects into pods of others")
    serve.add_argument(
        "--certificate", default=Path("/etc/pickleball-webhook"), type=Path, help="folder with tls.crt and tls.key"
    )
    serve.set_defaults(run=_webhook)
    publish = commands.add_parser("publish", help="validate an analysis' files and fill its ConfigMap")
    publish.add_argument("--result", required=True, type=Path, help="folder with policy.json and provenance.json")
    publish.add_argument("--configmap", required=True, help="ConfigMap to fill")
    publish.add_argument("--namespace", required=True, help="its namespace")
    publish.set_defaults(run=_publish)
    render = commands.add_parser("render", help="print the analysis Job and the injected pod of a ModelDeployment")
    render.add_argument("-f", "--filename", required=True, type=Path, help="file with the ModelDeployment")
    render.set_defaults(run=_render)
    local = commands.add_parser("local", help="reconcile a ModelDeployment on this machine, without a cluster")
    command.add_arguments(local)
    local.set_defaults(run=_local)
    return parser


def _local(options: argparse.Namespace) -> int:
    return command.run(options, publish_result)


def _crds(_options: argparse.Namespace) -> int:
    print(crd.dumps(), end="")
    return 0


def _run(_options: argparse.Namespace) -> int:
    run = importlib.import_module("pickleball_operator.controller.run").run  # kopf: a second that others need not wait
    run(settings_of.read(os.environ))
    return 0


def _webhook(options: argparse.Namespace) -> int:
    webhook.run(settings_of.read(os.environ), options.certificate)
    return 0


def _publish(options: argparse.Namespace) -> int:
    return publish_result(options.result, Cluster.connect(), options.namespace, options.configmap)


def publish_result(folder: Path, kube: Kube, namespace: str, name: str) -> int:
    """Publish, and say how it went in one JSON line; 2 when the files are refused, 1 when the API server says no."""
    try:
        content = publish(folder, kube, namespace, name)
    except ResultError as error:
        print(json.dumps({"status": "error", "reason": error.reason, "sentence": error.sentence}))
        return 2
    except KubeError as error:
        print(json.dumps({"status": "error", "reason": "api-refused", "sentence": f"{error}."}))
        return 1
    policy = content.policy
    counts = {"globals": len(policy.globals), "reduces": len(policy.reduces)}
    print(json.dumps({"status": "published", "configmap": name, **counts}))
    return 0


def _reference(options: argparse.Namespace) -> int:
    print(PAGES[options.page](), end="")
    return 0


def _render(options: argparse.Namespace) -> int:
    documents = [one for one in read_all(options.filename) if one.get("kind") == KIND]
    if len(documents) != 1:
        raise SpecError((f"{options.filename}: holds {len(documents)} ModelDeployments; give one.",))
    deployment = parse(documents[0])
    print(yaml.safe_dump_all(show(deployment, settings_of.read(os.environ, command.IMAGES)), sort_keys=False), end="")
    return 0
