"""The message engine: one file per message type gives writer, reader, schema, documentation and explanation."""
