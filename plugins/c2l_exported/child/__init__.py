"""The process in which an exported network runs, walled off from the network and from files."""
