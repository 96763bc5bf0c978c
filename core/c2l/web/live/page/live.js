// Frames by WebSocket: a browser shows each at once, and this page finds the way back by itself.
const image = document.querySelector("img");
const where = new URL("frames", location.href);
where.protocol = where.protocol.replace("http", "ws");

function watch() {
  const socket = new WebSocket(where);
  socket.binaryType = "blob";
  socket.onmessage = ({ data }) => show(data);
  socket.onclose = () => setTimeout(watch, 1000);
}

function show(frame) {
  const before = image.src;
  image.src = URL.createObjectURL(frame);
  if (before) URL.revokeObjectURL(before);
}

watch();
