"""What container statuses say, read from a pod manifest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pickleball_operator.text import sentence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PULL = {
    "ErrImagePull",
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "ImageInspectError",
    "RegistryUnavailable",
    "ErrImageVolumeUnavailable",
}
START = {"StartError", "ContainerCannotRun", "RunContainerError", "CreateContainerError", "CreateContainerConfigError"}
START_CODES = (126, 127, 128)


@dataclass(frozen=True)
class ContainerState:
    """One container: what it is doing, and how it ended last."""

    pod: str
    name: str
    image: str
    initial: bool
    ready: bool
    waiting: str | None
    waiting_message: str
    ended: str | None
    """Reason of the last end, such as Error, OOMKilled or StartError."""
    exit_code: int | None
    message: str
    running: bool

    @property
    def failed(self) -> bool:
        """Whether it ended badly, and is not running again."""
        return self.exit_code not in (None, 0) and not self.running

    @property
    def unpullable(self) -> bool:
        """Whether its image cannot be had."""
        return self.waiting in PULL

    @property
    def unstartable(self) -> bool:
        """Whether its command cannot be started: no such program in the image."""
        if self.waiting in START:
            return True
        return self.failed and (self.ended in START or (self.exit_code in START_CODES and "exec" in self.message))

    @property
    def out_of_memory(self) -> bool:
        """Whether it was killed for its memory."""
        return self.failed and (self.ended == "OOMKilled" or self.exit_code == 137)

    @property
    def why(self) -> str:
        """What the cluster says about it, in one line."""
        said = self.waiting_message or last_lines(self.message) or self.waiting or self.ended
        return sentence(said or "no reason given")


def states(pod: Mapping[str, Any]) -> Iterator[ContainerState]:
    """Each container of a pod, init containers first."""
    status = pod.get("status") or {}
    for kind, initial in (("initContainerStatuses", True), ("containerStatuses", False)):
        for one in status.get(kind) or ():
            yield _state(str(pod["metadata"]["name"]), one, initial=initial)


def status_of(pod: Mapping[str, Any], container: str) -> Mapping[str, Any] | None:
    """The status of one container, as the kubelet writes it."""
    status = pod.get("status") or {}
    for kind in ("initContainerStatuses", "containerStatuses"):
        for one in status.get(kind) or ():
            if one.get("name") == container:
                found: Mapping[str, Any] = one
                return found
    return None


def last_lines(message: str, count: int = 3) -> str:
    """The end of a log: that is where programs say why they stop."""
    return "\n".join([line for line in message.splitlines() if line.strip()][-count:])


def messages(pod: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each termination message of a pod, current and last, with its container."""
    status = pod.get("status") or {}
    for kind in ("initContainerStatuses", "containerStatuses"):
        for one in status.get(kind) or ():
            for state in ("state", "lastState"):
                message = ((one.get(state) or {}).get("terminated") or {}).get("message")
                if isinstance(message, str) and message:
                    yield str(one.get("name")), message


def _state(pod: str, status: Mapping[str, Any], *, initial: bool) -> ContainerState:
    now = status.get("state") or {}
    waiting = now.get("waiting") or {}
    ended = now.get("terminated") or (status.get("lastState") or {}).get("terminated") or {}
    code = ended.get("exitCode")
    return ContainerState(
        pod=pod,
        name=str(status.get("name")),
        image=str(status.get("image") or ""),
        initial=initial,
        ready=bool(status.get("ready")),
        waiting=str(waiting["reason"]) if waiting.get("reason") else None,
        waiting_message=str(waiting.get("message") or ""),
        ended=str(ended["reason"]) if ended.get("reason") else None,
        exit_code=code if isinstance(code, int) else None,
        message=str(ended.get("message") or ""),
        running=bool(now.get("running")),
    )
