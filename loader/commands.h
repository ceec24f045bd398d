/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The subcommands of fantel. Each takes its own argv (argv[0] is the subcommand), prints to
 * standard output, reports errors through log.h, and returns the exit code: 0 done, 1 failed,
 * 2 bad input (usage, policy, packet).
 */
#ifndef COMMANDS_H
#define COMMANDS_H

/* X(name, function word, one line of help) */
#define COMMANDS(X)                                                                                \
	X("run", run, "attach to the policy's ports, keep next hops and links fresh, print events") \
	X("detach", detach, "take a node's programs off its ports and remove its maps")            \
	X("policy", policy, "check or show a policy, or have a running node take another one")                                         \
	X("status", status, "the node at a glance: ports, links, groups, what is failed")          \
	X("paths", paths, "every path: usable or not, next hop, packets and bytes")                \
	X("events", events, "what happens, while it happens")                                      \
	X("counters", counters, "packets by reason")                                               \
	X("export", export, "counters and states for Prometheus")                                  \
	X("event", event, "tell a running node what happened to a link")                           \
	X("send", send, "send one notification, or print it in hex")                               \
	X("decode", decode, "print every field of notifications given in hex")

#define X(name, word, help) int cmd_##word(int argc, char **argv);
COMMANDS(X)
#undef X

enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_BAD_INPUT = 2,
};

#endif
