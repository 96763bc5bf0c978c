"""What programs send instead of typing it: requests and edits as data, which name no file.

They come from anywhere. So parts are named as the catalogue names them, pictures are bytes or
records, and nothing that is sent is taken for a path.
"""
