"""What can be asked: texts and blends of them, files of prompts, domains, and what lies far off."""
