/* TCP sockets by name, listening and dialling. -1, with a line on stderr, when that fails. */
#ifndef PEER_SOCKET_H
#define PEER_SOCKET_H

/* On 127.0.0.1; port 0 lets the system choose. Non-blocking. */
int socket_listen(const char *port);
unsigned socket_port(int fd);
/* Non-blocking once it is connected. */
int socket_dial(const char *host, const char *port);

#endif
