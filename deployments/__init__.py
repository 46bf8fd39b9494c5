"""Everything that starts: the command, the gateway, the deployments."""
