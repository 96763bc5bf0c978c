"""Jobs: what takes long, asked for now and fetched later."""
