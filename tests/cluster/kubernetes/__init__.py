"""A private, real Kubernetes on one machine, from binaries built here and without any registry.

One node: etcd, API server, controller manager, scheduler, containerd, kubelet and kube-proxy. They live in network,
mount and process namespaces of their own, so the machine's ports, packet filter, mounts and kernel settings stay
untouched; one veth pair joins them to the machine, which has routes to the pods and Services, and no way leads further
out. The end of the one outer process is the end of all of it. Needs root.
"""
