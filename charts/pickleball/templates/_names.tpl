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
{{- if semverCompare ">=1.30-0" .Capabilities.KubeVersion.Version }}yes
{{- else if .Values.approval.requireVerb }}
{{- fail (printf "approval.requireVerb needs Kubernetes 1.30 or newer, and this is %s; set it to false" .Capabilities.KubeVersion.Version) }}
{{- end }}
{{- end }}
{{- end }}
