"""The admission webhook: asks the same decision as the controller, keeps nothing, and answers over TLS."""
