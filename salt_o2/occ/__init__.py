"""The control channel of one task: OCC (protobuf), OCClite (JSON) and FairMQ's states."""
