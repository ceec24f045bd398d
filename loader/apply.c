// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 *	order -> thread: read, check, load -> loop: switch -> answer
 *	                                      and, to be confirmed: a note, then the way back is due
 *
 * The thread has the edition until it says that it is done; the loop has all else.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "apply.h"
#include "clock.h"
#include "json.h"
#include "log.h"
#include "own.h"
#include "unconfirmed.h"

#define RETRY_NS (10 * NSEC_PER_SEC) /* of a way back that is barred */

/* One order to apply, from its beginning to its answer. */
struct change {
	struct order order;
	bool back;	/* nobody ordered it */
	bool unread;	/* the policy is wrong: nothing was tried */
	char *text;	/* of its policy; NULL: order.fd has it */
	struct edition *edition;
	const struct policy *before; /* in force; of ports that may be without interface */
	int r;
	char *said; /* errors and warnings, a line each */
	size_t said_len;
	FILE *saying;
};

struct apply {
	struct node *node;
	struct upkeep **upkeep;
	struct control *control;
	const char *name;
	pthread_t thread;
	int done; /* eventfd: the thread is through */
	bool busy;
	struct change change; /* while busy */
	char *file, *text;    /* what to go back to; NULL = what is in force is confirmed */
	__u64 back_ns;	      /* when; ~0 = not while busy, nor where all is confirmed */
};

/* ---- in the thread --------------------------------------------------------------------------- */

/* What a loader can't do while it runs. */
static int check_possible(const struct change *c)
{
	const struct policy *new = &c->edition->policy;

	if (strcmp(new->config.node, c->before->config.node))
		return err_r(-EPERM,
			     "%s: /fantel:fantel/node/name: \"%s\" can't become \"%s\" while the loader "
			     "runs; end it, `fantel detach --node %s`, and run the new policy",
			     c->order.file, c->before->config.node, new->config.node,
			     c->before->config.node);
	for (__u32 i = 0; i < new->n_ports; i++)
		for (__u32 k = 0; k < c->before->n_ports; k++)
			if (!strcmp(new->port[i].name, c->before->port[k].name) &&
			    new->port[i].mode != c->before->port[k].mode)
				return err_r(-EPERM,
					     "%s: /fantel:fantel/port[name='%s']/mode: can't change while "
					     "the loader runs, for the port would be without a program; "
					     "end the loader and run the new policy",
					     c->order.file, new->port[i].name);
	return 0;
}

static int read_text(struct change *c)
{
	FILE *in OWN_FILE = c->order.fd < 0 ? NULL : fdopen(take_fd(c->order.fd), "re");

	if (!in)
		return err_r(-EINVAL, "%s: no text came with it", c->order.file);
	c->text = policy_text_of(in, c->order.file, c->saying);
	return c->text ? 0 : -errno;
}

/* What is not wrong, only odd, whoever ordered it was told before. */
static int read_edition(struct apply *apply, struct change *c)
{
	OWN_MEM char *findings = NULL;
	size_t len = 0;
	FILE *out;
	int r = c->text ? 0 : read_text(c);

	if (r)
		return r;
	out = open_memstream(&findings, &len);
	if (!out)
		return -ENOMEM;
	r = edition_parse(&c->edition, c->order.file, c->text, apply->name, out);
	fclose(out);
	if (r)
		fputs(findings, c->saying);
	return r;
}

static int load(struct apply *apply, struct change *c)
{
	c->r = read_edition(apply, c);
	if (c->r)
		c->unread = true;
	if (!c->r)
		c->r = check_possible(c);
	if (!c->r)
		c->r = attach_load(&c->edition->attach, &apply->node->pins, &c->edition->policy,
				   c->back ? &c->edition->policy : c->before, apply->node->verbose);
	return c->r;
}

static void *prepare(void *arg)
{
	struct apply *apply = arg;

	log_also(apply->change.saying);
	load(apply, &apply->change);
	log_also(NULL);
	eventfd_write(apply->done, 1);
	return NULL;
}

/* Signals are for the loop, and so is its priority: verifying takes long. */
static int start_thread(struct apply *apply)
{
	sigset_t all, before;
	pthread_attr_t attr;
	int r;

	pthread_attr_init(&attr);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = -pthread_create(&apply->thread, &attr, prepare, apply);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return r ? err_r(r, "policy: can't start a thread: %s", strerror(-r)) : 0;
}

/* ---- answers --------------------------------------------------------------------------------- */

static json_t *lines_of(const char *text)
{
	json_t *lines = json_array();

	for (const char *end; text && (end = strchr(text, '\n')); text = end + 1)
		json_array_append_new(lines, json_stringn(text, end - text));
	return lines;
}

/* NULL where all is well. */
static json_t *new_answer(const char *error)
{
	json_t *answer = json_object();

	json_set(answer, "ok", json_boolean(!error));
	if (error)
		json_set(answer, "error", json_text(error));
	return answer;
}

static void refuse(struct apply *apply, struct order *order, const char *error)
{
	own_close(&order->fd);
	control_answer(apply->control, order->client, new_answer(error), -1);
}

static json_t *confirm_json(const struct apply *apply, __u64 now_ns)
{
	__u64 left_ns;

	if (!apply->file)
		return json_null();
	left_ns = apply->back_ns > now_ns ? apply->back_ns - now_ns : 0;
	return json_integer(DIV_ROUND_UP(left_ns, NSEC_PER_SEC));
}

static void answer_change(struct apply *apply, const struct change *c, bool changed)
{
	json_t *answer = new_answer(c->r ? "the policy was not applied; nothing was changed" : NULL);

	json_set(answer, "changed", json_boolean(changed));
	json_set(answer, "wrong", json_boolean(c->unread));
	json_set(answer, "said", lines_of(c->said));
	json_set(answer, "confirm", confirm_json(apply, clock_now_ns()));
	control_answer(apply->control, c->order.client, answer, -1);
}

/* ---- what is confirmed ----------------------------------------------------------------------- */

static void confirm(struct apply *apply)
{
	unconfirmed_remove(&apply->node->pins);
	free(take_ptr(apply->file));
	free(take_ptr(apply->text));
	apply->back_ns = ~0ULL;
}

static __u64 end_of(const struct change *c)
{
	return clock_now_ns() + c->order.confirm_s * NSEC_PER_SEC;
}

/* The time begins now. */
static void wait_for_confirmation(struct apply *apply, const struct change *c)
{
	apply->back_ns = end_of(c);
	unconfirmed_set_end(&apply->node->pins, apply->back_ns);
}

/* Before the switch: from then on a loader that is killed is not followed by one with this policy. */
static int note(struct apply *apply, const struct change *c)
{
	const struct edition *now = upkeep_edition(*apply->upkeep);
	OWN_MEM char *file = NULL, *text = NULL;

	if (!c->order.confirm_s)
		return 0;
	if (!apply->file) {
		file = strdup(now->file);
		text = strdup(now->text);
		if (!file || !text)
			return err_r(-ENOMEM, "policy: no memory");
	}
	/* Of several in a row that are not confirmed, the way leads back to before the first. */
	if (unconfirmed_write(&apply->node->pins, c->edition, apply->file ?: file, apply->text ?: text,
			      end_of(c)))
		return -EIO;
	if (!apply->file) {
		apply->file = take_ptr(file);
		apply->text = take_ptr(text);
	}
	return 0;
}

/* It did not come to the switch: what was in force, confirmed or not, is so still. */
static void note_no_more(struct apply *apply)
{
	if (apply->back_ns == ~0ULL)
		confirm(apply);
	else
		unconfirmed_write(&apply->node->pins, upkeep_edition(*apply->upkeep), apply->file,
				  apply->text, apply->back_ns);
}

static void say_taken(const struct apply *apply, const struct change *c)
{
	const struct policy *p = &upkeep_edition(*apply->upkeep)->policy;
	__u32 down = upkeep_dead_nexthops(*apply->upkeep);

	log_note("node %s: the policy of %s is in force%s; ports: %u, paths: %u, groups: %u, classes: %u",
		 apply->node->pins.node, c->order.file, c->back ? " again" : "", p->n_ports, p->n_paths,
		 p->n_groups, p->n_classes);
	if (c->order.confirm_s)
		log_note("node %s: unless confirmed, it gives way in %u s to that of %s",
			 apply->node->pins.node, c->order.confirm_s, apply->file);
	if (down)
		log_warn("node %s: next hops that lead nowhere now: %u; `fantel paths` shows them",
			 apply->node->pins.node, down);
}

/* The policy is in force. After a way back the note stays: what was not confirmed is not to come back
 * with the next loader. */
static void settle(struct apply *apply, const struct change *c)
{
	if (c->back) {
		free(take_ptr(apply->file));
		free(take_ptr(apply->text));
		apply->back_ns = ~0ULL;
		unconfirmed_set_end(&apply->node->pins, 0);
	} else if (c->order.confirm_s) {
		wait_for_confirmation(apply, c);
	} else {
		confirm(apply);
	}
}

/* ---- one change ------------------------------------------------------------------------------ */

static void end_change(struct change *c)
{
	if (c->saying)
		fclose(c->saying);
	free(c->said);
	free(c->text);
	own_close(&c->order.fd);
	edition_free(c->edition);
	*c = (struct change){ .order.fd = -1 };
}

/* It means what is in force already. */
static bool is_same(const struct apply *apply, const struct change *c)
{
	return !strcmp(c->edition->canonical, upkeep_edition(*apply->upkeep)->canonical);
}

static int make_switch(struct apply *apply, struct change *c)
{
	struct upkeep *new;

	log_also(c->saying);
	c->r = note(apply, c);
	if (!c->r)
		c->r = upkeep_start(&new, apply->node, &c->edition, apply->upkeep);
	if (!c->r) {
		*apply->upkeep = new;
		settle(apply, c);
		say_taken(apply, c);
	} else if (!c->back && c->order.confirm_s) {
		note_no_more(apply);
	}
	log_also(NULL);
	return c->r;
}

static int finish(struct apply *apply)
{
	struct change *c = &apply->change;
	bool changed = false;
	int r;

	pthread_join(apply->thread, NULL);
	apply->busy = false;
	if (!c->r && !c->back && is_same(apply, c)) {
		/* The same once more is as good as confirming it, or has it wait longer. */
		if (!c->order.confirm_s)
			confirm(apply);
		else if (apply->file)
			wait_for_confirmation(apply, c);
	} else if (!c->r) {
		changed = make_switch(apply, c) == 0;
	}
	r = c->r == -EOWNERDEAD ? c->r : 0;
	if (c->back && c->r) {
		log_error("node %s: can't go back to the policy of %s; trying again in %llu s",
			  apply->node->pins.node, c->order.file, RETRY_NS / NSEC_PER_SEC);
		apply->back_ns = clock_now_ns() + RETRY_NS;
	}
	if (c->saying)
		fflush(c->saying);
	if (!c->back)
		answer_change(apply, c, changed);
	end_change(c);
	return r;
}

/* The thread takes over c, or it is at its end. */
static int begin(struct apply *apply, struct change *c)
{
	apply->change = *c;
	c = &apply->change;
	c->before = &upkeep_edition(*apply->upkeep)->policy;
	c->saying = open_memstream(&c->said, &c->said_len);
	if (!c->saying || start_thread(apply)) {
		end_change(&apply->change);
		return -ENOMEM;
	}
	apply->busy = true;
	return 0;
}

static void go_back(struct apply *apply, __u64 now_ns)
{
	struct change c = { .back = true, .order.fd = -1 };

	log_warn("node %s: its policy was not confirmed; going back to that of %s",
		 apply->node->pins.node, apply->file);
	snprintf(c.order.file, sizeof(c.order.file), "%s", apply->file);
	apply->back_ns = now_ns + RETRY_NS;
	c.text = strdup(apply->text);
	if (c.text)
		begin(apply, &c);
}

/* ---- orders ---------------------------------------------------------------------------------- */

static void show(struct apply *apply, struct order *order)
{
	const struct edition *now = upkeep_edition(*apply->upkeep);
	int fd OWN_FD = memfd_create("policy", MFD_CLOEXEC);
	json_t *answer;

	if (fd < 0 || dprintf(fd, "%s", now->canonical) < 0 || lseek(fd, 0, SEEK_SET)) {
		refuse(apply, order, strerror(errno));
		return;
	}
	answer = new_answer(NULL);
	json_set(answer, "file", json_text(now->file));
	json_set(answer, "named", json_boolean(apply->name != NULL));
	json_set(answer, "confirm", confirm_json(apply, clock_now_ns()));
	control_answer(apply->control, order->client, answer, fd);
}

static void on_confirm(struct apply *apply, struct order *order)
{
	if (!apply->file) {
		refuse(apply, order, "no policy waits to be confirmed");
		return;
	}
	confirm(apply);
	log_note("node %s: the policy of %s is confirmed", apply->node->pins.node,
		 upkeep_edition(*apply->upkeep)->file);
	control_answer(apply->control, order->client, new_answer(NULL), -1);
}

void apply_order(struct apply *apply, struct order *order)
{
	struct change c = { .order = *order };

	if (order->kind == ORDER_SHOW) {
		show(apply, order);
		return;
	}
	if (apply->busy) {
		refuse(apply, order,
		       apply->change.back ? "the node is going back to the policy before; try again then"
					  : "another policy is being applied; try again when that is done");
		return;
	}
	if (order->kind == ORDER_CONFIRM) {
		on_confirm(apply, order);
		return;
	}
	if (begin(apply, &c))
		refuse(apply, order, "no memory, or no thread");
	order->fd = -1;
}

/* ---- the loop -------------------------------------------------------------------------------- */

int apply_fd(const struct apply *apply)
{
	return apply->done;
}

__u64 apply_due(const struct apply *apply)
{
	return apply->busy ? ~0ULL : apply->back_ns;
}

int apply_tick(struct apply *apply, __u64 now_ns)
{
	eventfd_t n;

	if (apply->busy)
		return eventfd_read(apply->done, &n) ? 0 : finish(apply);
	if (now_ns >= apply->back_ns)
		go_back(apply, now_ns);
	return 0;
}

bool apply_is_busy(const struct apply *apply)
{
	return apply->busy;
}

void apply_answer_by(struct apply *apply, struct control *control)
{
	apply->control = control;
}

int apply_open(struct apply **out, struct node *node, struct upkeep **upkeep, const char *name)
{
	struct apply *apply = calloc(1, sizeof(*apply));

	if (!apply)
		return -ENOMEM;
	apply->node = node;
	apply->upkeep = upkeep;
	apply->name = name;
	apply->back_ns = ~0ULL;
	apply->change.order.fd = -1;
	apply->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (apply->done < 0) {
		free(apply);
		return err_r(-errno, "policy: can't make an eventfd: %s", strerror(errno));
	}
	*out = apply;
	return 0;
}

void apply_close(struct apply *apply)
{
	if (!apply)
		return;
	if (apply->busy)
		pthread_join(apply->thread, NULL);
	end_change(&apply->change);
	free(apply->file);
	free(apply->text);
	close(apply->done);
	free(apply);
}

/* ---- a loader that starts -------------------------------------------------------------------- */

int apply_first(struct edition **edition, const struct pins *pins, const char *name, bool *back)
{
	struct edition *old;
	struct unconfirmed u;
	int r;

	*back = false;
	if (unconfirmed_read(&u, pins))
		return 0;
	if (strcmp((*edition)->canonical, u.policy)) {
		unconfirmed_free(&u);
		return 0;
	}
	r = edition_parse(&old, u.file, u.text, name, stderr);
	if (r) {
		log_error("node %s: the policy of %s was applied and never confirmed, and the one before "
			  "can't be read any more; `fantel detach --node %s` forgets about it",
			  pins->node, (*edition)->file, pins->node);
	} else {
		log_warn("node %s: the policy of %s was applied and never confirmed: taking that of %s, "
			 "which was in force before; `fantel policy apply` takes the other one",
			 pins->node, (*edition)->file, u.file);
		edition_free(*edition);
		*edition = old;
		*back = true;
	}
	unconfirmed_free(&u);
	return r ? -EINVAL : 0;
}

/* What was applied and not confirmed is forgotten only when another one was taken on purpose. */
void apply_first_done(const struct pins *pins, bool back)
{
	if (back)
		unconfirmed_set_end(pins, 0);
	else
		unconfirmed_remove(pins);
}
