"""The routes of AUTOMATIC1111's web UI that its clients call."""
