/* See socket.h. */
#include "socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { QUEUE = 4096 };

static struct addrinfo *resolve(const char *host, const char *port) {
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found = NULL;
  int failed = getaddrinfo(host, port, &hints, &found);
  if (failed != 0) fprintf(stderr, "peer: %s:%s: %s\n", host, port, gai_strerror(failed));
  return failed == 0 ? found : NULL;
}

static int unblock(int fd) {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  return fd;
}

int socket_listen(const char *port) {
  struct addrinfo *address = resolve("127.0.0.1", port);
  if (address == NULL) return -1;
  int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  bool good = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
      bind(fd, address->ai_addr, address->ai_addrlen) == 0 &&
              listen(fd, QUEUE) == 0;
  freeaddrinfo(address);
  if (good) return unblock(fd);
  perror("peer: listen");
  if (fd >= 0) close(fd);
  return -1;
}

unsigned socket_port(int fd) {
  struct sockaddr_in address;
  socklen_t length = sizeof address;
  return getsockname(fd, (struct sockaddr *)&address, &length) == 0 ? ntohs(address.sin_port) : 0;
}

int socket_dial(const char *host, const char *port) {
  struct addrinfo *found = resolve(host, port);
  int fd = -1;
  for (struct addrinfo *address = found; address != NULL && fd < 0; address = address->ai_next) {
    fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, address->ai_addr, address->ai_addrlen) == 0) continue;
    close(fd);
    fd = -1;
  }
  if (found != NULL && fd < 0) perror("peer: connect");
  if (found != NULL) freeaddrinfo(found);
  return fd < 0 ? -1 : unblock(fd);
}
