"""A ModelDeployment without a cluster: the Job and the pod as local processes."""
