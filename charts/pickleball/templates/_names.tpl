{{- define "pickleball.name" -}}
{{- $name := printf "%s-%s" .Release.Name .Chart.Name }}
{{- if contains .Chart.Name .Release.Name }}{{ $name = .Release.Name }}{{ end }}
{{- $name | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "pickleball.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "pickleball.labels" -}}
{{ include "pickleball.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- /* An image's reference: by digest where one is given, else by tag, else by the chart's version. */ -}}
{{- define "pickleball.image" -}}
{{- if .image.digest }}{{ printf "%s@%s" .image.repository .image.digest }}{{ else }}{{ printf "%s:%s" .image.repository (.image.tag | default .version) }}{{ end }}
{{- end }}

{{- /* Whether there is an admission policy for approvals: empty where it is not wanted, or the cluster has none. */ -}}
{{- define "pickleball.approvals" -}}
{{- if or .Values.approval.proveApprover .Values.approval.requireVerb }}
{{- if semverCompare ">=1.30-0" .Capabilities.KubeVersion.Version }}yes{{ end }}
{{- end }}
{{- end }}

{{- /* Settings of the operator, the same for the controller and the webhook. */ -}}
{{- define "pickleball.environment" -}}
{{- range $name := list "operator" "enforce" "generate" }}
- name: PICKLEBALL_{{ upper $name }}_IMAGE
  value: {{ include "pickleball.image" (dict "image" (get $.Values.images $name) "version" $.Chart.AppVersion) | quote }}
{{- end }}
- name: PICKLEBALL_IMAGE_PULL_POLICY
  value: {{ .Values.images.pullPolicy | quote }}
- name: PICKLEBALL_WATCH_NAMESPACES
  value: {{ join "," .Values.watchNamespaces | quote }}
- name: PICKLEBALL_PROVEN_APPROVERS
  value: {{ and .Values.approval.proveApprover (ne (include "pickleball.approvals" .) "") | quote }}
- name: PICKLEBALL_WEBHOOK_NAME
  value: {{ ternary (include "pickleball.webhook" .) "" .Values.webhook.enabled | quote }}
- name: PICKLEBALL_WEBHOOK_NAMESPACE
  value: {{ ternary .Release.Namespace "" .Values.webhook.enabled | quote }}
- name: PICKLEBALL_MANAGED_CERTIFICATE
  value: {{ and .Values.webhook.enabled (eq .Values.webhook.certificate.from "Controller") | quote }}
{{- range $key, $value := .Values.settings }}
- name: PICKLEBALL_{{ snakecase $key | upper }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- end }}

{{- /* Service, Deployment, configuration and, unless it is given, the certificate's Secret of the webhook. */ -}}
{{- define "pickleball.webhook" -}}
{{ include "pickleball.name" . }}-webhook
{{- end }}

{{- define "pickleball.webhookSelector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}-webhook
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "pickleball.webhookLabels" -}}
{{ mergeOverwrite (include "pickleball.labels" . | fromYaml) (include "pickleball.webhookSelector" . | fromYaml) | toYaml }}
{{- end }}

{{- /* The namespaces in which pods of others are looked at: those with the label, and never the cluster's own or ours. */ -}}
{{- define "pickleball.namespaces" -}}
matchLabels:
  pickleball.dev/injection: enabled
matchExpressions:
  - {key: kubernetes.io/metadata.name, operator: NotIn, values: [kube-system, kube-public, kube-node-lease, {{ .Release.Namespace }}]}
  {{- with .Values.watchNamespaces }}
  - {key: kubernetes.io/metadata.name, operator: In, values: {{ toJson . }}}
  {{- end }}
{{- end }}

{{- /* Whether the API server judges protected pods itself: empty where it is not wanted, or the cluster has no such policies. */ -}}
{{- define "pickleball.protection" -}}
{{- if and .Values.admission.protectPods (semverCompare ">=1.30-0" .Capabilities.KubeVersion.Version) }}yes{{ end }}
{{- end }}
