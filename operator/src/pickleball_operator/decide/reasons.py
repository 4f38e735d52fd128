"""Every reason that a condition, an event or a refusal carries; the text beside each one is the documentation.

A reason is stable: people alert on it. docs/reference/operator.md is made from this enum.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """One word for programs; `meaning` says it to people."""

    meaning: str

    def __new__(cls, value: str, meaning: str) -> Reason:
        """Keep the text beside the word."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    # The spec.
    SPEC_INVALID = "SpecInvalid", "The spec cannot be meant; the message names each field."
    SOURCE_UNKNOWN = "SourceUnknown", "There is no image to collect sources from: the container does not exist."

    # Analysis.
    ANALYSIS_STARTING = "AnalysisStarting", "The analysis Job is being made."
    ANALYSIS_QUEUED = "AnalysisQueued", "The analysis waits for its turn; the message has its place."
    ANALYSIS_RUNNING = "AnalysisRunning", "The analysis Job runs."
    ANALYSIS_REPEATED = "AnalysisRepeated", "The result of the analysis, or its pod, was deleted; it is made again."
    ANALYSIS_ENLARGED = "AnalysisEnlarged", "The analysis ran out of memory; it is tried once more with twice as much."
    ANALYSIS_SUCCEEDED = "AnalysisSucceeded", "The library was analysed."
    ANALYSIS_NOT_NEEDED = "AnalysisNotNeeded", "The policy is written by hand (policy.configMapRef)."
    IMAGE_UNAVAILABLE = "ImageUnavailable", "An image cannot be pulled."
    PYTHON_NOT_FOUND = "PythonNotFound", "The image has no such interpreter."
    COLLECT_FAILED = "CollectFailed", "The sources could not be read in the workload's image."
    FETCH_FAILED = "FetchFailed", "The sources could not be had from the package index, the git server or the volume."
    MODEL_CLASS_NOT_FOUND = "ModelClassNotFound", "The sources hold no such class; the message names near ones."
    INPUT_REFUSED = "InputRefused", "The generator refused what it was asked (its exit code 2)."
    TOOL_MISSING = "ToolMissing", "The generator's image lacks something (its exit code 3)."
    ANALYSIS_FAILED = "AnalysisFailed", "The analysis failed for another reason, which the message quotes."
    ANALYSIS_TIMED_OUT = "AnalysisTimedOut", "The analysis took longer than spec.analysis.timeout."
    ANALYSIS_OUT_OF_MEMORY = "AnalysisOutOfMemory", "The analysis needs more than twice spec.analysis.memory."
    ANALYSIS_OUT_OF_DISK = "AnalysisOutOfDisk", "The analysis needs more disk than the installation allows."
    ANALYSIS_UNSCHEDULABLE = "AnalysisUnschedulable", "No node takes the analysis pod."
    RESULT_REFUSED = "ResultRefused", "The analysis left files that are not a policy and its provenance."

    # Policy.
    POLICY_FROM_ANALYSIS = "PolicyFromAnalysis", "The policy in force fits the spec."
    POLICY_FROM_CONFIG_MAP = "PolicyFromConfigMap", "The policy in force is the one written by hand."
    POLICY_PENDING = "PolicyPending", "There is no policy yet: the analysis has not ended."
    POLICY_MISSING = "PolicyMissing", "There is no policy, and the analysis failed."
    POLICY_REF_NOT_FOUND = "PolicyRefNotFound", "The ConfigMap of policy.configMapRef does not exist."
    POLICY_INVALID = "PolicyInvalid", "A policy cannot be read; the message says where."
    POLICY_ALTERED = (
        "PolicyAltered",
        "A policy ConfigMap was gone or did not hold what its name says; the message says whether it was made again.",
    )
    STALE = "Stale", "The last good policy stays in force although the spec asks for another."

    POLICY_PINNED = "PolicyPinned", "The policy in force is the one that spec.policy.pin names."
    PIN_REFUSED = "PinRefused", "spec.policy.pin names a policy that cannot be rolled back to; the message says why."
    POLICY_HELD = "PolicyHeld", "An approved policy waits for the next change of the template (policy.rollout)."

    # Approval.
    APPROVED_AUTOMATICALLY = "ApprovedAutomatically", "spec.policy.approval is Automatic."
    APPROVED_BY_ANNOTATION = "ApprovedByAnnotation", "A person approved the policy in force."
    WAITING_FOR_APPROVAL = "WaitingForApproval", "A candidate waits for a person."
    APPROVED_BEFORE = "ApprovedBefore", "The policy in force was approved when it came into force."
    APPROVED = "Approved", "Event: a person approved a policy; the message has the name and what proves it."
    PROPOSED = "Proposed", "Event: models want names that the policy lacks; status.proposals has them."
    NOTHING_TO_APPROVE = "NothingToApprove", "There is no policy yet."

    # Injection.
    INJECTED = "Injected", "The enforcer was put into the pod template."
    ALREADY_INJECTED = "AlreadyInjected", "The pod template equals what would be injected."
    TEMPLATE_INVALID = "TemplateInvalid", "The pod template is not one."
    CONTAINER_NOT_FOUND = "ContainerNotFound", "enforcement.containers names a container that does not exist."
    CONTAINER_UNNAMED = "ContainerUnnamed", "A pod of others has several containers, and the spec names none of them."
    PLATFORM_UNSUPPORTED = "PlatformUnsupported", "The pod is for Windows."
    PATH_TAKEN = "PathTaken", "The template mounts something where the enforcer or the policy goes."
    NAME_TAKEN = "NameTaken", "The template, or another object, uses a name of ours."
    ENVIRONMENT_IGNORED = "EnvironmentIgnored", "The command starts Python with -I, -E or -S, or without PYTHONPATH."
    NAMESPACE_NOT_ENABLED = "NamespaceNotEnabled", "The namespace lacks the label that lets pods of others be injected."
    NOT_SELECTED = "NotSelected", "No ModelDeployment selects the pod; it is none of ours."
    SELECTED_TWICE = "SelectedTwice", "Two ModelDeployments claim the same pod."
    PODS_UNPROTECTED = "PodsUnprotected", "Pods that the selector chooses run without the enforcer."
    SELECTOR_NOT_COVERED = "SelectorNotCovered", "There is no webhook, so pods of others run without the enforcer."

    # Pods.
    SELF_TEST_PASSED = "SelfTestPassed", "In every pod the self-test refused its canary."
    INTERPRETER_REPORTED = (
        "InterpreterReported",
        "In every pod the application's own interpreter reported the enforcer.",
    )
    INTERPRETER_SILENT = "InterpreterSilent", "A container runs, and no interpreter of it has reported the enforcer."
    INTERPRETER_DRIFTED = "InterpreterDrifted", "An interpreter reported another policy or mode than is in force."
    WITNESS_FAILED = "WitnessFailed", "The sidecar that takes the reports of a pod does not run."
    SELF_TEST_FAILED = "SelfTestFailed", "In a pod the enforcer does not work; the pod does not start."
    WAITING_FOR_POLICY = "WaitingForPolicy", "Pods are not made before there is an approved policy."
    WAITING_FOR_PODS = "WaitingForPods", "The pods have not shown yet that they are protected."
    NO_PODS = "NoPods", "spec.replicas is 0, or no pod has the labels of spec.selector."
    AUDIT_ONLY = "AuditOnly", "Violations are recorded, and nothing is refused."
    MODEL_REFUSED = "ModelRefused", "A model left the policy and was refused; status.violations has the names."
    MODEL_FILES_REFUSED = "ModelFilesRefused", "A file of spec.model.files could not be verified or left the policy."
    APPLICATION_FAILING = "ApplicationFailing", "The application's container stops or does not start."
    DEPLOYMENT_PROGRESSING = "DeploymentProgressing", "Pods are being replaced or are not ready yet."
    READY = "Ready", "The wanted number of pods is ready and protected."

    # The cluster.
    OBSERVING = "Observing", "The controller has not seen everything yet."
    API_REFUSED = "ApiRefused", "The API server refused a request of the operator; the message says which."
    VIOLATION = "Violation", "Event: a pod reported a violation."
    EVICTED = "Evicted", "Event: a pod that ran unprotected or with an old policy was evicted, to be made anew."
    ANALYSIS_RECORDED = "AnalysisRecorded", "Event: a failed analysis was recorded and is not tried again by itself."


# What the generator's JSON calls its failures, in our words.
OF_GENERATOR = {
    "class-not-found": Reason.MODEL_CLASS_NOT_FOUND,
    "model-class-not-found": Reason.MODEL_CLASS_NOT_FOUND,
    "ModelClassNotFound": Reason.MODEL_CLASS_NOT_FOUND,
}
OF_GENERATOR_EXIT = {2: Reason.INPUT_REFUSED, 3: Reason.TOOL_MISSING, 4: Reason.ANALYSIS_FAILED}


def named(word: str) -> Reason:
    """The reason of this name; KeyError when there is none."""
    return _NAMED[word]


def known(word: str) -> Reason:
    """The reason of this name, or OBSERVING for one that another version wrote."""
    return _NAMED.get(word, Reason.OBSERVING)


_NAMED = {str(reason): reason for reason in Reason}
