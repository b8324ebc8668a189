"""All situations by name. Each module is a table; a situation is one life of an agent."""

from cases import abuse, api, busy, crash, enrol, features, heartbeat, inspection, parameters, tls, token

MODULES = (api, busy, token, tls, parameters, inspection, enrol, features, heartbeat, features, abuse, crash)
SITUATIONS = {situation.name: situation for module in MODULES for situation in module.SITUATIONS}
