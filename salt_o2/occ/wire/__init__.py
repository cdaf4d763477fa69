"""Messages of OCC and OCClite: codecs, replies, argument rules."""
