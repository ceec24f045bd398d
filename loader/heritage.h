/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Maps that another build of fantel has pinned: do they look as ours do, and how do their entries become
 * ours? The kernel tells a map's BTF to nobody who lacks CAP_SYS_ADMIN. So each loader pins that of its
 * own build beside the maps, by the id that the kernel gave it: that id, maps tell to everybody.
 * Used by attach, and where commands open maps.
 */
#ifndef HERITAGE_H
#define HERITAGE_H

#include <bpf/libbpf.h>

#include "layout.h"
#include "pin.h"

struct heritage {
	const struct pins *pins;
	const struct bpf_object *object; /* ours, open */
	__u32 btf_id;			 /* of the build that was read last; 0 = none */
	struct btf *btf;		 /* its own; NULL: can't be had */
};

/* All below: `info` is that of a pinned map, called as our `map`. */

/* Has it other members, or members elsewhere? Where its BTF can't be had, its sizes decide. */
bool heritage_differs(struct heritage *heritage, const struct bpf_map *map, const struct bpf_map_info *info);

/* How its entries become ours; NULL: they are. Returns 0 or a negative errno, reported. Release both with
 * layout_free. */
int heritage_layouts(struct heritage *heritage, const struct bpf_map *map, const struct bpf_map_info *info,
		     struct layout **key, struct layout **value);

/* The same of events, for a ring tells nothing of what is in it; `info` is that of fantel_node, which differs where
 * events do. */
bool heritage_events_differ(struct heritage *heritage, const struct bpf_map_info *info);
/* NULL also where they can't be read, which is said. */
int heritage_events(struct heritage *heritage, const struct bpf_map_info *info, struct layout **event);

/* By number of its enum reason: ours, see layout_enum. Returns how many, or a negative errno, reported. */
int heritage_reasons(struct heritage *heritage, const struct bpf_map_info *info, __u32 **place);

void heritage_close(struct heritage *heritage);

/* Pin our own, of an object that is loaded, for the maps that it uses, which all look like it says; and remove
 * maps that it does not have, and what is said of no pinned map any more. Return 0 or a negative errno, reported. */
int heritage_pin(const struct pins *pins, const struct bpf_object *object);
int heritage_clean(const struct pins *pins, const struct bpf_object *object);

/* May a command of this build read this pinned map? fantel_node: and events. */
bool heritage_is_ours(const struct pins *pins, const char *map, int fd);

#endif
