"""OpenAI's routes for pictures, as its clients send and expect them."""
