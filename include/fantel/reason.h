/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Why a packet did not just go its way. One line here is a counter in fantel_stats, a word in
 * events and in `fantel counters`, and a row of the manual page. Nothing is dropped without one.
 *
 * X(NAME, word, fate, sentence). Fate: DROP the packet is gone; PASS the kernel's stack took it;
 * DONE it did what it came for.
 */
#ifndef FANTEL_REASON_H
#define FANTEL_REASON_H

#include "base.h"

#define REASONS(X)                                                                                                \
	/* ingress PE, customer port: steer */                                                                    \
	X(NO_CLASS, "no-class", PASS, "in no traffic class; the kernel routes it")                                \
	X(NOT_IP, "not-ip", PASS, "not IP, or IP that can't be parsed; the kernel decides")                       \
	X(HOP_LIMIT, "hop-limit", PASS, "hop limit or TTL used up; the kernel answers Time Exceeded")             \
	X(PACED, "paced", DROP, "its path is congested, with no better one, and it is beyond the lowered rate")     \
	X(PACED_TOLD, "paced-told", DROP, "the same, and its sender was told")                                      \
	X(MARKED, "marked", DONE, "the same, at a rate to be lowered: marked as congested, it went on")           \
	X(HELD, "held", DONE, "the same, where the way out has fq: it waits there for its time")                  \
	X(UNTIMED, "untimed", DONE, "it was to wait, but the driver left no room for its time: it went at once")   \
	X(FQ_DROPPED, "fq-dropped", DROP, "dropped by fq, for its limits, on a port where packets waited")        \
	X(NO_PATH, "no-path", DROP, "its group has no usable path, and its policy is to drop")                    \
	X(NO_PATH_TOLD, "no-path-told", DROP, "its group has no usable path; the sender was told")                \
	X(NO_PATH_PASS, "no-path-passed", PASS, "its group has no usable path; the kernel routes it")             \
	X(NO_NEXTHOP, "no-nexthop", DROP, "the chosen path has no next hop, nor has the FIB")                     \
	X(NO_HEADROOM, "no-headroom", DROP, "the driver left no room for the outer header")                       \
	X(NO_METADATA, "no-metadata", DROP, "the driver left no room in front of it for its mark, or its way")    \
	X(TOO_BIG, "too-big", DROP, "longer than the path's MTU; the sender was told")                            \
	X(TOO_BIG_LIMITED, "too-big-limited", DROP, "longer than the path's MTU; the sender was told just before") \
	X(CNP, "cnp", DROP, "lost to congestion; its sender got a CNP, as from its receiver")                     \
	X(CUSTOMER_PORT, "customer-port", DROP, "a notification on a customer port")                              \
	X(REMARKED, "remarked", DONE, "from a customer port with the DSCP of notifications: it got another")      \
	/* notifications received: notify */                                                                      \
	X(FAILED, "failed", DONE, "a failure was recorded against a path, link or node")                          \
	X(RECOVERED, "recovered", DONE, "a recovery withdrew a failure")                                          \
	X(CONGESTED, "congested", DONE, "a congestion was recorded against a path, link or node")                 \
	X(EASED, "eased", DONE, "the end of a congestion withdrew it")                                            \
	X(LOWERED, "lowered", DONE, "a congested path without a better one has its rate lowered")                 \
	X(RISEN, "risen", DONE, "a path's rate is back where it was before its congestion")                       \
	X(REFRESHED, "refreshed", DONE, "a failure or congestion already known was confirmed")                    \
	X(EXPIRED, "expired", DONE, "the validity of a failure or congestion ran out")                            \
	X(MEASURED, "measured", DONE, "metrics of a path, link or node were taken")                               \
	X(REPORTED, "reported", DONE, "a notification reported as an event only")                                 \
	X(METRIC, "metric", DROP, "metrics that can't be: no number, negative, infinite, above the capacity")     \
	X(HINT, "hint", DROP, "a hint of no known action")                                                        \
	X(OVER_RATE, "over-rate", DROP, "more of its kind than the policy takes from one originator")             \
	X(DUPLICATE, "duplicate", DROP, "a repetition of a notification that already acted")                      \
	X(UNMATCHED, "unmatched", DROP, "a notification about a tunnel, link or node that no path uses")          \
	X(NOT_KNOWN, "not-known", DROP, "the end of a failure or congestion that is not recorded")                \
	X(TOO_SHORT, "too-short", DROP, "a notification shorter than its fixed part")                             \
	X(TOO_LONG, "too-long", DROP, "a notification longer than 1280 bytes")                                    \
	X(LENGTH, "length", DROP, "a UDP length that disagrees with the IP header's")                             \
	X(CHECKSUM, "checksum", DROP, "wrong ICMPv6 or UDP checksum")                                             \
	X(VERSION, "version", DROP, "a UDP message of another version")                                           \
	X(TYPE, "type", DROP, "none of the five types")                                                           \
	X(TUNNEL, "tunnel", DROP, "malformed Tunnel Info")                                                        \
	X(TLV, "tlv", DROP, "a TLV that does not fit the message or its own definition")                          \
	X(EMPTY, "empty", DROP, "neither Tunnel Info nor a TLV")                                                  \
	X(AUTH, "auth", DROP, "a wrong message authentication code")                                              \
	X(AUTH_MISSING, "auth-missing", DROP, "no message authentication code where there must be one")           \
	X(AUTH_KEY, "auth-key", DROP, "a key-id that is not known, or is of another algorithm")                   \
	X(AUTH_EARLY, "auth-early", DROP, "a key that is not active yet")                                         \
	X(AUTH_EXPIRED, "auth-expired", DROP, "a key that is not active any more")                                \
	X(SOURCE, "source", DROP, "a source that is not of the domain")                                           \
	X(RADIUS, "radius", DROP, "a hop limit that shows too long a way")                                        \
	X(DOMAIN, "domain", DROP, "another domain's notification")                                                \
	X(STALE, "stale", DROP, "a sequence number behind the originator's window, or its newer metrics")         \
	X(FAILED_FULL, "failed-full", DROP, "no room in fantel_failed: the notification could not act")           \
	X(FAILED_SHARE, "failed-share", DROP, "enough is on record of this path, link or node: it could not act")     \
	X(METRICS_FULL, "metrics-full", DROP, "no room in fantel_metrics: the notification could not act")        \
	X(ORIGINS_FULL, "origins-full", DROP, "no room in fantel_origins: the notification could not act")        \
	/* P node: detect */                                                                                      \
	X(NOTIFIED, "notified", DONE, "a doomed packet became a notification")                                    \
	X(DOOMED, "doomed", DROP, "bound for a failed link; its ingress PE was told just before")                 \
	X(NOTIFY_LIMITED, "notify-limited", DROP, "bound for a failed link; the token bucket is empty")           \
	X(NOTIFY_NO_ROUTE, "notify-no-route", DROP, "bound for a failed link; no way back to its ingress PE")     \
	X(NOT_TOLD, "not-told", PASS, "bound for a failed link; its source is not of the domain")                 \
	X(TOLD_FULL, "told-full", DROP, "bound for a failed link; no room in fantel_told")                        \
	X(TOO_DEEP, "too-deep", PASS, "bound for a failed link; more segments than can be reported")              \
	/* P node, egress of a core port: watch */                                                                 \
	X(TROUBLE_TOLD, "trouble-told", DONE, "a packet met trouble on its link; its ingress PE was told")        \
	X(TROUBLE_LIMITED, "trouble-limited", PASS, "a packet met trouble on its link; the token bucket is empty") \
	X(TROUBLE_FULL, "trouble-full", PASS, "a packet met trouble on its link; no room in fantel_told")         \
	X(TROUBLE_LATER, "trouble-later", PASS, "a packet met trouble on its link; the loader has to tell of it") \
	/* egress PE, core port: decap */                                                                         \
	X(DECAPPED, "decapped", PASS, "a tunnel that ends here was taken off; the kernel routes what was inside") \
	X(ECN_UNUSED, "ecn-unused", PASS, "the same, but with ECN fields that no tunnel makes (RFC 6040)")        \
	X(ECN_INVALID, "ecn-invalid", DROP, "a tunnel that ends here met congestion that its packet can't show")  \
	X(NOT_ENDPOINT, "not-endpoint", PASS, "a tunnel to this node that no endpoint takes; the kernel decides") \
	X(ENDPOINT_SOURCE, "endpoint-source", DROP, "a tunnel that ends here, but begins outside the domain")     \
	X(DECAP_MALFORMED, "decap-malformed", DROP, "a tunnel that ends here, with headers that can't be right")  \
	X(DECAP_INNER, "decap-inner", DROP, "a tunnel that ends here, but holds what is not to be routed")        \
	/* core port with a BFD session: bfd */                                                                    \
	X(BFD, "bfd", DONE, "a BFD packet of the port's session was taken")                                       \
	X(BFD_ECHO, "bfd-echo", DONE, "a BFD echo of ours came back")                                             \
	X(BFD_ECHOED, "bfd-echoed", DONE, "a BFD echo of the neighbour was sent back")                            \
	X(BFD_ECHO_UNKNOWN, "bfd-echo-unknown", DROP, "a BFD echo that we did not send, or not lately")           \
	X(BFD_PEER, "bfd-peer", PASS, "BFD to this node, but not from the port's peer; the kernel decides")       \
	X(BFD_TTL, "bfd-ttl", DROP, "BFD that came over a router: its hop limit or TTL is not 255")               \
	X(BFD_LENGTH, "bfd-length", DROP, "a BFD packet whose lengths can't be")                                  \
	X(BFD_CHECKSUM, "bfd-checksum", DROP, "a BFD packet with a wrong UDP checksum")                           \
	X(BFD_VERSION, "bfd-version", DROP, "a BFD packet of another version")                                    \
	X(BFD_AUTH, "bfd-auth", DROP, "a BFD packet with authentication, which is not agreed on")                 \
	X(BFD_FIELD, "bfd-field", DROP, "a BFD packet with a multiplier of 0, or for multipoint")                 \
	X(BFD_ZERO, "bfd-zero", DROP, "a BFD packet whose sender gives no discriminator")                         \
	X(BFD_UNKNOWN, "bfd-unknown", DROP, "a BFD packet of a session that the port does not have")              \
	X(BFD_STATE, "bfd-state", DROP, "a BFD packet without our discriminator from a session that has it")      \
	X(BFD_ADMIN_DOWN, "bfd-admin-down", DROP, "a BFD packet of a session that nobody looks after now")        \
	/* notifications sent */                                                                                  \
	X(UNSIGNED, "unsigned", DONE, "sent without an authentication code: no key to sign with is active")       \
	/* ourselves */                                                                                           \
	X(EVENT_LOST, "event-lost", DONE, "the event ring was full: an event was not reported")                   \
	X(INTERNAL, "internal", DROP, "a helper or map refused where it never should")

enum reason {
	REASON_NONE, /* nothing to count; also "all is well" from a parser */
#define X(NAME, word, fate, sentence) REASON_##NAME,
	REASONS(X)
#undef X
	REASON_COUNT,
};

enum fate {
	FATE_DROP,
	FATE_PASS,
	FATE_DONE,
};

#endif
