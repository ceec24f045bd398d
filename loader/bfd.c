// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * A UDP socket per session, only to send: the answers are consumed before any socket sees them. The
 * thread sleeps until the next packet is due or bfd.bpf.h has news, looks at the session in
 * fantel_bfd, and says what bfd_talk finds there is to say.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "bfd.h"
#include "bfd_echo.h"
#include "bfd_talk.h"
#include "clock.h"
#include "log.h"
#include "own.h"
#include "sockopt.h"
#include "text.h"
#include "words.h"

#define REALTIME 1	  /* the least of SCHED_FIFO's priorities is above all that have none */
#define URGENT (-15)	  /* where that is not permitted */
#define LAST_WORDS 3	  /* copies of what is said last; nobody confirms it */
#define SPORTS 64	  /* tried in turn */
#define RETRY_NS NSEC_PER_SEC

struct session {
	const struct policy_port *port;
	__u32 ifindex; /* 0 = its interface is gone */
	int socket;    /* -1 = none yet */
	struct bfd_set set; /* as fantel_bfd_set has it */
	struct bfd_talk talk;
	__u64 echo_ns; /* when the next echo is due; 0 = none is */
	bool begun;  /* it is in the maps */
	__u32 failed, fails; /* what the owner was last told of the link */
	bool warned;
};

struct bfd {
	const struct maps *maps;
	const struct config *config;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	struct ring_buffer *news;
	int wake, changed; /* eventfds: to the thread, from it */
	int echo_socket; /* -1 = no session has echoes */
	struct bfd_echo *echo; /* fantel_bfd_echo, shared with the packet path */
	bool stop;
	__u32 n;
	struct session session[];
};

static __u32 any_number(void)
{
	__u32 n;

	return getrandom(&n, sizeof(n), 0) == sizeof(n) ? n : clock_now_ns();
}

/* ---- socket ---------------------------------------------------------------------------------- */

static socklen_t sockaddr_of(struct sockaddr_storage *to, const struct addr *addr, __u16 port,
			     __u32 ifindex)
{
	struct sockaddr_in6 *in6 = (void *)to;
	struct sockaddr_in *in = (void *)to;

	memset(to, 0, sizeof(*to));
	if (addr_is_v4(addr)) {
		in->sin_family = AF_INET;
		in->sin_port = be16(port);
		in->sin_addr.s_addr = addr->l_be[3];
		return sizeof(*in);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = be16(port);
	if (addr_is_link_local(addr))
		in6->sin6_scope_id = ifindex;
	memcpy(&in6->sin6_addr, addr, sizeof(*addr));
	return sizeof(*in6);
}

static struct addr addr_of(const struct sockaddr_storage *from)
{
	const struct sockaddr_in6 *in6 = (const void *)from;
	const struct sockaddr_in *in = (const void *)from;

	return in->sin_family == AF_INET ? addr_from_v4(in->sin_addr.s_addr)
					 : addr_load(&in6->sin6_addr);
}

static int set_options(int fd, const struct session *s, __u8 tclass)
{
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, s->port->name, strlen(s->port->name) + 1))
		return -errno;
	if (addr_is_v4(&s->port->bfd.peer))
		return sockopt_set(fd, IPPROTO_IP, IP_TTL, BFD_TTL)
			       ?: sockopt_set(fd, IPPROTO_IP, IP_TOS, tclass)
			       ?: sockopt_urgent(fd);
	return sockopt_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)
		       ?: sockopt_set(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, BFD_TTL)
		       ?: sockopt_set(fd, IPPROTO_IPV6, IPV6_TCLASS, tclass)
		       ?: sockopt_urgent(fd);
}

/* Its own port for each session: the one it had, or any. */
static int bind_port(int fd, struct session *s)
{
	__u16 sport = s->set.sport ?: BFD_SPORT_MIN + any_number() % (65536 - BFD_SPORT_MIN);
	struct addr any = addr_is_v4(&s->port->bfd.peer) ? addr_from_v4(0) : (struct addr){};
	struct sockaddr_storage from;

	for (int i = 0; i < SPORTS; i++) {
		socklen_t len = sockaddr_of(&from, &any, sport, 0);

		if (!bind(fd, (void *)&from, len)) {
			s->set.sport = sport;
			return 0;
		}
		sport = BFD_SPORT_MIN + any_number() % (65536 - BFD_SPORT_MIN);
	}
	return -errno;
}

static int open_socket(struct session *s, __u8 tclass)
{
	int family = addr_is_v4(&s->port->bfd.peer) ? AF_INET : AF_INET6, r;
	int fd OWN_FD = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	r = set_options(fd, s, tclass) ?: bind_port(fd, s);
	if (!r)
		s->socket = take_fd(fd);
	return r;
}

/* Towards the peer, from the address that the kernel takes today; it may not have had one. */
static int connect_socket(struct session *s, struct addr *local)
{
	struct sockaddr_storage to, from = {};
	socklen_t len = sockaddr_of(&to, &s->port->bfd.peer, BFD_PORT, s->ifindex);
	const struct sockaddr nowhere = { .sa_family = AF_UNSPEC };
	socklen_t from_len = sizeof(from);

	(void)connect(s->socket, &nowhere, sizeof(nowhere));
	if (connect(s->socket, (void *)&to, len) ||
	    getsockname(s->socket, (void *)&from, &from_len))
		return -errno;
	*local = addr_of(&from);
	return 0;
}

/* An answer that nobody listens there counts against the packet after it: that one is sent again. */
static void send_packet(const struct session *s, const struct bfd_packet *packet)
{
	__u8 b[BFD_LEN];

	bfd_write(b, packet);
	if (send(s->socket, b, sizeof(b), 0) < 0 && errno == ECONNREFUSED)
		send(s->socket, b, sizeof(b), 0);
}

/* ---- maps ------------------------------------------------------------------------------------ */

static int write_set(const struct bfd *bfd, const struct session *s)
{
	return bpf_map_update_elem(bfd->maps->bfd_set, &s->ifindex, &s->set, BPF_ANY) ? -errno : 0;
}

/* The timer of an entry ends with it. */
static void forget(const struct maps *maps, __u32 ifindex)
{
	bpf_map_delete_elem(maps->bfd_set, &ifindex);
	bpf_map_delete_elem(maps->bfd, &ifindex);
}

static __u32 new_discriminator(const struct bfd *bfd)
{
	__u32 n = any_number();

	for (__u32 i = 0; i < bfd->n; i++)
		if (!n || bfd->session[i].set.discriminator == n)
			return new_discriminator(bfd);
	return n;
}

/* What an earlier loader led goes on if it is with the same peer and was not put to rest. A link that
 * it took down stays down until the session is up. */
static int begin(struct bfd *bfd, struct session *s, const struct addr *local, __u64 now_ns)
{
	struct bfd_session b = { .state = BFD_DOWN, .changed_ns = now_ns }, old = {};
	struct bfd_set set = {};
	bool same;

	bpf_map_lookup_elem(bfd->maps->bfd, &s->ifindex, &old);
	bpf_map_lookup_elem(bfd->maps->bfd_set, &s->ifindex, &set);
	same = addr_equal(&set.peer, &s->port->bfd.peer);
	if (same && !set.admin_down && addr_equal(&set.local, local)) {
		bfd_talk_go_on(&s->talk, &set, &old, now_ns);
		s->set.discriminator = set.discriminator;
		/* None is under way from the row that is ours now. */
		if (bfd->echo)
			bfd->echo[s->set.echo_row].sent = old.echo_back;
	} else {
		bfd_talk_begin(&s->talk, now_ns);
		s->set.discriminator = new_discriminator(bfd);
		b.failed = same && old.failed;
		b.fails = old.fails;
		b.ups = old.ups;
		forget(bfd->maps, s->ifindex);
		if (bpf_map_update_elem(bfd->maps->bfd, &s->ifindex, &b, BPF_ANY))
			return -errno;
	}
	s->set.min_tx_us = s->talk.min_tx_us;
	s->set.min_rx_us = s->talk.min_rx_us;
	s->set.echo_us = s->talk.echo_us;
	s->set.echo_mult = s->port->bfd.echo_mult;
	s->begun = true;
	eventfd_write(bfd->changed, 1);
	return 0;
}

/* ---- one session ----------------------------------------------------------------------------- */

/* The port that an earlier loader sent from: the peer may mind another. */
static __u16 earlier_sport(const struct bfd *bfd, const struct session *s)
{
	struct bfd_set set;

	return bpf_map_lookup_elem(bfd->maps->bfd_set, &s->ifindex, &set) ? 0 : set.sport;
}

/* Ready to send: socket, addresses, and the entries by which packets are heard. */
static int get_ready(struct bfd *bfd, struct session *s, __u64 now_ns)
{
	struct addr local = {};
	int r;

	if (s->socket < 0) {
		s->set.sport = earlier_sport(bfd, s);
		r = open_socket(s, bfd->config->tclass);
		if (r)
			return r;
	}
	r = connect_socket(s, &local);
	if (r)
		return r;
	if (s->begun && addr_equal(&s->set.local, &local))
		return 0;
	s->set.peer = s->port->bfd.peer;
	s->set.local = local;
	s->set.mult = s->port->bfd.mult;
	r = s->begun ? 0 : begin(bfd, s, &local, now_ns);
	return r ?: write_set(bfd, s);
}

static bool try_ready(struct bfd *bfd, struct session *s, __u64 now_ns)
{
	char peer[ADDR_TEXT];
	int r = get_ready(bfd, s, now_ns);

	if (r && !s->warned)
		log_warn("port %s: BFD with %s can't begin: %s; trying again each second",
			 s->port->name, addr_text(peer, &s->port->bfd.peer), strerror(-r));
	s->warned = r != 0;
	return !r;
}

static void report(const struct session *s, const struct bfd_session *b)
{
	char peer[ADDR_TEXT];

	if (b->state == BFD_UP)
		log_warn("port %s: BFD session with %s is up", s->port->name,
			 addr_text(peer, &s->port->bfd.peer));
	else if (s->talk.state == BFD_UP)
		log_warn("port %s: BFD session with %s is down: %s%s", s->port->name,
			 addr_text(peer, &s->port->bfd.peer), bfd_diag_word(b->diag),
			 b->failed ? "" : "; the neighbor put it out of service");
}

static void say(struct bfd *bfd, struct session *s, const struct bfd_session *b, __u64 now_ns)
{
	unsigned int what;

	if (b->state != s->talk.state)
		report(s, b);
	what = bfd_talk(&s->talk, b, now_ns, any_number());
	if (s->set.min_tx_us != s->talk.min_tx_us || s->set.min_rx_us != s->talk.min_rx_us) {
		s->set.min_tx_us = s->talk.min_tx_us;
		s->set.min_rx_us = s->talk.min_rx_us;
		write_set(bfd, s);
	}
	for (enum bfd_say one = BFD_SAY_STATE; one <= BFD_SAY_FINAL; one <<= 1) {
		struct bfd_packet packet = bfd_talk_packet(&s->talk, &s->set, b, one);

		if (what & one)
			send_packet(s, &packet);
	}
}

/* First the note of it, for it may be back before we are. */
static void send_echo(struct bfd *bfd, struct session *s, const struct bfd_session *b, __u64 now_ns)
{
	struct bfd_echo *echo = &bfd->echo[s->set.echo_row];
	__u32 number = echo->sent + 1;

	echo->sent_ns[number % BFD_ECHOES] = now_ns;
	__atomic_store_n(&echo->sent, number, __ATOMIC_RELEASE);
	bfd_echo_send(bfd->echo_socket, s->ifindex, b->its_mac, &s->set, bfd->config, number);
}

static void echoes(struct bfd *bfd, struct session *s, const struct bfd_session *b, __u64 now_ns)
{
	__u64 pause_ns = bfd_echo_pause_ns(&s->talk, b);

	if (!pause_ns) {
		s->echo_ns = 0;
		return;
	}
	if (s->set.echo_us != pause_ns / 1000) {
		s->set.echo_us = pause_ns / 1000;
		write_set(bfd, s);
	}
	if (s->echo_ns > now_ns)
		return;
	send_echo(bfd, s, b, now_ns);
	s->echo_ns = now_ns + pause_ns;
}

/* Until it is up, look each time whether the way to the peer is still the same. */
static void look_after(struct bfd *bfd, struct session *s, __u64 now_ns)
{
	struct bfd_session b;

	if (!s->ifindex)
		return;
	if ((!s->begun || s->talk.state != BFD_UP) && now_ns >= s->talk.next_ns &&
	    !try_ready(bfd, s, now_ns)) {
		s->talk.next_ns = now_ns + RETRY_NS;
		return;
	}
	if (!s->begun)
		return;
	if (bpf_map_lookup_elem(bfd->maps->bfd, &s->ifindex, &b)) {
		s->begun = false; /* a stranger removed it */
		s->talk.next_ns = now_ns + RETRY_NS;
		return;
	}
	say(bfd, s, &b, now_ns);
	if (bfd->echo)
		echoes(bfd, s, &b, now_ns);
	if (b.failed != s->failed || b.fails != s->fails)
		eventfd_write(bfd->changed, 1);
	s->failed = b.failed;
	s->fails = b.fails;
}

/* ---- the thread ------------------------------------------------------------------------------ */

/* That there is news is enough: all sessions are looked at. */
static int on_news(void *arg, void *data, size_t len)
{
	return 0;
}

static struct timespec time_left(const struct bfd *bfd)
{
	__u64 now = clock_now_ns(), due = now + NSEC_PER_SEC, left;

	for (__u32 i = 0; i < bfd->n; i++)
		if (bfd->session[i].ifindex) {
			due = MIN(due, bfd->session[i].talk.next_ns);
			due = MIN(due, bfd->session[i].echo_ns ?: due);
		}
	left = due > now ? due - now : 0;
	return (struct timespec){ left / NSEC_PER_SEC, left % NSEC_PER_SEC };
}

/* On a busy machine a session would end for want of a few microseconds. This thread alone, for it
 * sleeps nearly always; with --realtime it is ahead already. */
static void hurry(void)
{
	struct sched_param param = { .sched_priority = REALTIME };

	if (sched_getscheduler(0) == SCHED_OTHER && sched_setscheduler(0, SCHED_FIFO, &param))
		setpriority(PRIO_PROCESS, 0, URGENT);
}

static void *lead(void *arg)
{
	struct bfd *bfd = arg;
	struct pollfd fds[] = {
		{ .fd = ring_buffer__epoll_fd(bfd->news), .events = POLLIN },
		{ .fd = bfd->wake, .events = POLLIN },
	};
	struct timespec left = {};
	eventfd_t n;

	hurry();
	for (;;) {
		ppoll(fds, ARRAY_SIZE(fds), &left, NULL);
		eventfd_read(bfd->wake, &n);
		pthread_mutex_lock(&bfd->lock);
		if (bfd->stop)
			break;
		ring_buffer__consume(bfd->news);
		for (__u32 i = 0; i < bfd->n; i++)
			look_after(bfd, &bfd->session[i], clock_now_ns());
		left = time_left(bfd);
		pthread_mutex_unlock(&bfd->lock);
	}
	pthread_mutex_unlock(&bfd->lock);
	return NULL;
}

void bfd_port(struct bfd *bfd, const struct policy_port *port, __u32 ifindex)
{
	pthread_mutex_lock(&bfd->lock);
	for (__u32 i = 0; i < bfd->n; i++) {
		struct session *s = &bfd->session[i];

		if (s->port != port)
			continue;
		if (s->ifindex)
			forget(bfd->maps, s->ifindex);
		own_close(&s->socket);
		s->socket = -1;
		s->ifindex = ifindex;
		s->begun = false;
		s->talk.next_ns = s->echo_ns = 0;
	}
	pthread_mutex_unlock(&bfd->lock);
	eventfd_write(bfd->wake, 1);
}

int bfd_fd(const struct bfd *bfd)
{
	return bfd->changed;
}

bool bfd_changed(struct bfd *bfd)
{
	eventfd_t n;

	return eventfd_read(bfd->changed, &n) == 0;
}

/* ---- start and stop -------------------------------------------------------------------------- */

static bool has_session(const struct policy_port *port)
{
	return port->class == PORT_CORE && !addr_is_unspecified(&port->bfd.peer);
}

static bool is_led(const struct bfd *bfd, __u32 ifindex)
{
	for (__u32 i = 0; i < bfd->n; i++)
		if (bfd->session[i].ifindex == ifindex)
			return true;
	return false;
}

/* Sessions of ports that have none in this policy. */
static void forget_others(const struct bfd *bfd)
{
	__u32 key, kept, *last = NULL;

	while (!bpf_map_get_next_key(bfd->maps->bfd_set, last, &key)) {
		if (is_led(bfd, key)) {
			kept = key;
			last = &kept;
		} else {
			forget(bfd->maps, key);
		}
	}
}

static void add_sessions(struct bfd *bfd, const struct policy *policy)
{
	for (__u32 i = 0; i < policy->n_ports; i++) {
		const struct policy_port *port = &policy->port[i];

		if (!has_session(port))
			continue;
		bfd->session[bfd->n] = (struct session){
			.port = port,
			.ifindex = if_nametoindex(port->name),
			.socket = -1,
			.talk = { .want_tx_us = port->bfd.min_tx_us,
				  .want_rx_us = port->bfd.min_rx_us,
				  .mult = port->bfd.mult,
				  .echo_us = port->bfd.echo_us },
			.set.echo_row = bfd->n,
		};
		bfd->n++;
	}
}

#define ECHO_BYTES (MAX_CORE_LINKS * sizeof(struct bfd_echo))

static int start_echoes(struct bfd *bfd)
{
	void *echo;
	bool any = false;

	for (__u32 i = 0; i < bfd->n; i++)
		any |= bfd->session[i].talk.echo_us;
	if (!any)
		return 0;
	bfd->echo_socket = bfd_echo_open();
	if (bfd->echo_socket < 0)
		return bfd->echo_socket;
	echo = mmap(NULL, ECHO_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, bfd->maps->bfd_echo, 0);
	if (echo == MAP_FAILED)
		return -errno;
	bfd->echo = echo;
	return 0;
}

static int start_thread(struct bfd *bfd)
{
	sigset_t all, before;
	int r;

	bfd->news = ring_buffer__new(bfd->maps->bfd_news, on_news, NULL, NULL);
	if (!bfd->news)
		return -errno;
	bfd->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	bfd->changed = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (bfd->wake < 0 || bfd->changed < 0)
		return -errno;
	sigfillset(&all); /* signals are for the loader */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = -pthread_create(&bfd->thread, NULL, lead, bfd);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

static void release(struct bfd *bfd)
{
	for (__u32 i = 0; i < bfd->n; i++)
		own_close(&bfd->session[i].socket);
	ring_buffer__free(bfd->news);
	own_close(&bfd->wake);
	own_close(&bfd->changed);
	own_close(&bfd->echo_socket);
	if (bfd->echo)
		munmap(bfd->echo, ECHO_BYTES);
	pthread_mutex_destroy(&bfd->lock);
	free(bfd);
}

int bfd_start(struct bfd **out, const struct maps *maps, const struct policy *policy)
{
	struct bfd *bfd = calloc(1, sizeof(*bfd) + policy->n_ports * sizeof(bfd->session[0]));
	int r = 0;

	if (!bfd)
		return -ENOMEM;
	bfd->maps = maps;
	bfd->config = &policy->config;
	bfd->wake = bfd->changed = bfd->echo_socket = -1;
	pthread_mutex_init(&bfd->lock, NULL);
	add_sessions(bfd, policy);
	forget_others(bfd);
	if (bfd->n)
		r = start_echoes(bfd) ?: start_thread(bfd);
	if (r || !bfd->n) {
		release(bfd);
		return r ? err_r(r, "BFD: can't start: %s", strerror(-r)) : 0;
	}
	*out = bfd;
	return 0;
}

static void say_goodbye(const struct bfd *bfd, struct session *s)
{
	struct bfd_session b;
	struct bfd_packet packet;

	if (!s->begun || bpf_map_lookup_elem(bfd->maps->bfd, &s->ifindex, &b))
		return;
	s->set.admin_down = 1;
	write_set(bfd, s);
	packet = bfd_talk_packet(&s->talk, &s->set, &b, BFD_SAY_STATE);
	for (int i = 0; i < LAST_WORDS; i++)
		send_packet(s, &packet);
}

static void stop_thread(struct bfd *bfd)
{
	pthread_mutex_lock(&bfd->lock);
	bfd->stop = true;
	pthread_mutex_unlock(&bfd->lock);
	eventfd_write(bfd->wake, 1);
	pthread_join(bfd->thread, NULL);
}

void bfd_stop(struct bfd *bfd)
{
	if (!bfd)
		return;
	stop_thread(bfd);
	for (__u32 i = 0; i < bfd->n; i++)
		say_goodbye(bfd, &bfd->session[i]);
	release(bfd);
}

static bool goes_on(const struct session *s, const struct policy *policy)
{
	for (__u32 i = 0; i < policy->n_ports; i++)
		if (has_session(&policy->port[i]) && !strcmp(policy->port[i].name, s->port->name) &&
		    addr_equal(&policy->port[i].bfd.peer, &s->port->bfd.peer))
			return true;
	return false;
}

void bfd_hand_over(struct bfd *bfd, const struct policy *policy)
{
	if (!bfd)
		return;
	stop_thread(bfd);
	for (__u32 i = 0; i < bfd->n; i++)
		if (!goes_on(&bfd->session[i], policy))
			say_goodbye(bfd, &bfd->session[i]);
	release(bfd);
}
