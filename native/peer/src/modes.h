/* The modes of the program, each in a file of its name. They return the program's exit code. */
#ifndef PEER_MODES_H
#define PEER_MODES_H

/* `peer serve PORT`: serves until a signal ends it, then drains; prints `listening on PORT`. */
int serve_run(const char *port);
/* `peer play FILE dialler|acceptor PORT`: one side of a session, driven by stdin: play.c. */
int play_run(const char *path, const char *side, const char *port);
/* `peer call HOST PORT METHOD TEXT`: one call with raw bytes; prints the answer. */
int call_run(const char *host, const char *port, const char *method, const char *text);
/* `peer load HOST PORT IN_FLIGHT SECONDS [CONNECTIONS]`: a closed loop of the canonical call. */
int load_run(const char *host, const char *port, unsigned in_flight, double seconds, unsigned connections);
/* `peer drive PORT IN_FLIGHT CONNECTIONS`: the same load until stdin says `stop`, with counters for each line `mark`. */
int drive_run(const char *port, unsigned in_flight, unsigned connections);
/* `peer vectors DIR`: vectors.c. `peer session FILE SIDE PORT`: session.c. */
int session_run(const char *path, const char *side, const char *port);

#endif
