//! Listening, from the client's side of real sockets.
