/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * libnvmf: what an orchestrator needs to live beside others on a host.
 *
 * Errors are negative errno values. A NULL or text that is not UTF-8 is an error, never a crash.
 * Any function may be called from any thread; only what is being freed, or changed through a
 * pointer that is not const, must not be used by another thread at the same time. Strings that are
 * handed out as `char *` are freed with free(); a `const char *` stays the library's. Callbacks may
 * call the library.
 */

#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/**
 * A host: the running system, or one made of files, for tests.
 */
struct nvmf_host;

/**
 * A transport id: whole and checked. Use `struct libnvmf_tid` for one of which only some fields
 * are known.
 */
struct nvmf_tid;

/**
 * The registry as it was last seen.
 */
struct nvmf_registry_watch;

/**
 * Called with a controller's name and its owner; NULL: it has none.
 */
typedef void (*nvmf_owner_callback)(const char *device, const char *owner, void *user_data);

/**
 * One change of the registry. Its texts are there as long as the callback runs.
 */
struct nvmf_registry_change {
  /**
   * The controller's name, such as "nvme3".
   */
  const char *device;
  /**
   * The attribute that was set, changed or removed; NULL: the whole entry came or went. An
   * entry that is about another controller than before goes first, and then comes.
   */
  const char *attribute;
  /**
   * Its value before, or the owner in the entry that went; NULL: there was none.
   */
  const char *before;
  /**
   * Its value now, or the owner in the entry that came; NULL: there is none.
   */
  const char *after;
  /**
   * Whether the entry came (1) or went (-1); 0: it stayed.
   */
  int entry;
};

/**
 * Called with a change.
 */
typedef void (*nvmf_change_callback)(const struct nvmf_registry_change *change, void *user_data);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Why the last function of this library that failed in this thread did: one sentence with the
 * place, the value and what to do about it. The caller frees it. NULL: none has failed yet.
 */
char *nvmf_error_message(void);

/**
 * The host whose root directory is `folder`; NULL: the running system. For tests, make a folder
 * with `sys/class/nvme/nvme3/transport` and whatever else is asked for.
 *
 * NULL: `folder` is not UTF-8.
 */
struct nvmf_host *nvmf_host_new(const char *folder);

/**
 * Frees a host. NULL is fine.
 */
void nvmf_host_free(struct nvmf_host *host);

/**
 * The number that tells the controller that is called `device` now from all others that ever
 * were or will be: the inode of its sysfs directory. The kernel gives the name to another one as
 * soon as it is gone.
 *
 * 0; -ENODEV: there is no such fabrics controller.
 */
int nvmf_controller_ino(const struct nvmf_host *host, const char *device, uint64_t *ino);

/**
 * The number of the kernel's last event: to be read before a connect, for
 * `nvmf_registry_register`. 0: it cannot be read, and need not be.
 */
uint64_t nvmf_uevent_seqnum(const struct nvmf_host *host);

/**
 * Who owns the controller `device`. `ino` is from `nvmf_controller_ino`: the owner of its
 * successor is none of yours; 0: whichever has the name.
 *
 * 0, and `*owner` is set; -ENOENT: nobody does, and `*owner` is NULL.
 */
int nvmf_registry_owner(const struct nvmf_host *host, const char *device, uint64_t ino, char **owner);

/**
 * Makes `owner` (1 to 64 of A-Z a-z 0-9 . _ -) the owner of a controller that nobody owns. Of
 * several that claim at once exactly one is granted. `ino` is from `nvmf_controller_ino`; 0:
 * whichever has the name.
 *
 * 0: it is yours now, or was before. -EBUSY: it is another's, and stays so; `*owned_by` (if
 * `owned_by` is not NULL) says whose. -ENODEV: it is gone. `*owned_by` is NULL in all other cases.
 */
int nvmf_registry_claim(const struct nvmf_host *host,
                        const char *device,
                        uint64_t ino,
                        const char *owner,
                        char **owned_by);

/**
 * Enters a controller that you connected a moment ago. `ino` is from `nvmf_controller_ino`,
 * `since` what `nvmf_uevent_seqnum` said before the connect (0: not known), `owner` NULL if
 * nobody is to own it: then an entry of a predecessor goes.
 *
 * 0; -EBUSY: another claimed it meanwhile, `*owned_by` as for `nvmf_registry_claim`; -ENODEV:
 * `device` is not that controller (any more).
 */
int nvmf_registry_register(const struct nvmf_host *host,
                           const char *device,
                           uint64_t ino,
                           uint64_t since,
                           const char *owner,
                           char **owned_by);

/**
 * Gives a controller up that is yours: nobody owns it then. Your notes stay.
 *
 * 0; -ENOENT: nobody owned it; -EBUSY: it is another's, and stays so, `*owned_by` as for
 * `nvmf_registry_claim`.
 */
int nvmf_registry_release(const struct nvmf_host *host, const char *device, const char *owner, char **owned_by);

/**
 * One attribute of a controller's entry.
 *
 * 0, and `*value` is set; -ENOENT: there is none, and `*value` is NULL.
 */
int nvmf_registry_get(const struct nvmf_host *host, const char *device, const char *attribute, char **value);

/**
 * Sets an attribute to one line of text; NULL: removes it. The owner, too, whoever that is:
 * programs that want to own a controller claim it.
 *
 * 0; -ENODEV: there is no such fabrics controller; -ENOENT: there is nothing to remove; -EPERM:
 * an attribute that only the registry writes.
 */
int nvmf_registry_set(const struct nvmf_host *host, const char *device, const char *attribute, const char *value);

/**
 * Calls `each` with every controller that has an entry, in the order of their numbers. Entries
 * of controllers that are gone do not count.
 *
 * The number of calls.
 */
int nvmf_registry_for_each(const struct nvmf_host *host, nvmf_owner_callback each, void *user_data);

/**
 * Disconnects exactly the controller `ino`, from `nvmf_controller_ino`, if it is `owner`'s at that
 * moment: neither its successor under the name `device` nor what somebody else took over can be
 * hit. Blocks until the kernel is done.
 *
 * 0: it is disconnected. -ENODEV: it was gone already; -ENOENT: it is nobody's, and stays; -EBUSY:
 * it is another's, and stays, `*owned_by` as for `nvmf_registry_claim`; -EAGAIN: the connect that
 * made it is not over yet.
 */
int nvmf_disconnect(const struct nvmf_host *host,
                    const char *device,
                    uint64_t ino,
                    const char *owner,
                    char **owned_by);

/**
 * Follows the registry from now on, whether there is one already or not.
 *
 * 0, and `*watch` is set.
 */
int nvmf_registry_watch_new(const struct nvmf_host *host, struct nvmf_registry_watch **watch);

/**
 * The descriptor to poll: it is readable when `nvmf_registry_watch_changes` has something to look
 * at. It belongs to the watch.
 */
int nvmf_registry_watch_fd(const struct nvmf_registry_watch *watch);

/**
 * Calls `each` with every change since the last call, in the order of the controllers' numbers.
 * Does not block. A readable descriptor may turn out to mean nothing.
 *
 * The number of changes. After an error, what could not be read is tried again by the next call.
 */
int nvmf_registry_watch_changes(const struct nvmf_registry_watch *watch,
                                nvmf_change_callback each,
                                void *user_data);

/**
 * Frees a watch and closes its descriptor. NULL is fine.
 */
void nvmf_registry_watch_free(struct nvmf_registry_watch *watch);

/**
 * Reads `transport=tcp;traddr=192.0.2.10;trsvcid=4420;nqn=…`, with any of host-traddr, host-iface,
 * hostnqn and hostid. Addresses are numeric: names are to be resolved before.
 *
 * 0, and `*tid` is set; -EINVAL: it is no transport id, `nvmf_error_message` says why.
 */
int nvmf_tid_parse(const char *text,
                   struct nvmf_tid **tid);

/**
 * The canonical text: the same connection target always has the same one. NULL: `tid` is NULL, or
 * out of memory.
 */
char *nvmf_tid_text(const struct nvmf_tid *tid);

/**
 * The text for logs: `(transport, traddr, trsvcid, nqn[, host-iface][, host-traddr])`. NULL as
 * for `nvmf_tid_text`.
 */
char *nvmf_tid_log_text(const struct nvmf_tid *tid);

/**
 * One field by its key in the canonical text. NULL: it is not set, or there is no such key.
 */
char *nvmf_tid_field(const struct nvmf_tid *tid, const char *key);

/**
 * Whether both have the same fields. Addresses compare by value. NULL equals nothing.
 */
bool nvmf_tid_equal(const struct nvmf_tid *one, const struct nvmf_tid *other);

/**
 * Frees a transport id. NULL is fine.
 */
void nvmf_tid_free(struct nvmf_tid *tid);

/**
 * Whether this connection must not be made: some entry of the exclusion lists matches it. The
 * lists are read anew; one that cannot be read excludes nothing. `discovery` says that the
 * controller is a discovery controller, whose default port is another one.
 *
 * 1, and `*entry` (if `entry` is not NULL) is the entry with its place, such as
 * "/etc/nvme/exclusions.conf:4: nqn=…"; 0: it may be made, and `*entry` is NULL.
 */
int nvmf_exclusion_match(const struct nvmf_host *host,
                         const struct nvmf_tid *tid,
                         bool discovery,
                         char **entry);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus


