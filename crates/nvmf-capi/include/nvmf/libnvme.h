/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The registry, exclusion and transport id functions of libnvme 3, from libnvmf.
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
 * A transport id of which any field may be missing.
 */
struct libnvmf_tid;

/**
 * What libnvme's functions work on: this host, or a test folder.
 */
struct libnvme_global_ctx;

/**
 * Called with a controller's name.
 */
typedef void (*libnvmf_device_callback)(const char *device, void *user_data);

/**
 * Called with an attribute and its value.
 */
typedef void (*libnvmf_attr_callback)(const char *attr, const char *value, void *user_data);

/**
 * Called with the name of a list, or with an entry.
 */
typedef void (*libnvmf_text_callback)(const char *text, void *user_data);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * A new context: this host, warnings to standard error. NULL: out of memory.
 */
struct libnvme_global_ctx *libnvme_create_global_ctx(void);

/**
 * Frees a context. NULL is fine.
 */
void libnvme_free_global_ctx(struct libnvme_global_ctx *ctx);

/**
 * Notes who connects. It is checked, and has no effect here: nothing in this library connects.
 *
 * 0; -EINVAL: `ctx` or `owner` is NULL, or it is no owner.
 */
int libnvme_set_owner(struct libnvme_global_ctx *ctx, const char *owner);

/**
 * Puts the exclusion lists and the registry into the folder `path` below /tmp, for tests; NULL:
 * where they belong. There is no kernel in that folder: whatever controller an entry is made for
 * with `libnvmf_registry_update` is taken to exist, unless `libnvme_set_test_sysfs_dir` names a
 * sysfs.
 *
 * 0; -EINVAL: `ctx` is NULL, or `path` is not below /tmp or has a component "..".
 */
int libnvme_set_test_base_dir(struct libnvme_global_ctx *ctx, const char *path);

/**
 * Reads controllers from the folder `path` instead of /sys, for tests; NULL: from where they are.
 *
 * 0; -EINVAL: `ctx` is NULL.
 */
int libnvme_set_test_sysfs_dir(struct libnvme_global_ctx *ctx, const char *path);

/**
 * Sets what is logged: 0 errors, 1 warnings too (the default), 2 and more the same.
 */
void libnvme_set_logging_level(struct libnvme_global_ctx *ctx,
                               int log_level,
                               bool log_pid,
                               bool log_tstamp);

/**
 * What is logged, and the two settings beside it where the pointers are not NULL.
 */
int libnvme_get_logging_level(struct libnvme_global_ctx *ctx,
                              bool *log_pid,
                              bool *log_tstamp);

/**
 * Where it is logged; NULL: standard error. The stream stays the caller's, and open as long as it
 * is used here.
 */
void libnvme_set_logging_file(struct libnvme_global_ctx *ctx, FILE *fp);

/**
 * Reads one attribute, such as "owner", of the controller `device`, such as "nvme3".
 *
 * 0, and the caller frees `*value`; -ENOENT: there is none; -EINVAL: a NULL or a name that is none.
 */
int libnvmf_registry_retrieve(struct libnvme_global_ctx *ctx,
                              const char *device,
                              const char *attr,
                              char **value);

/**
 * Compares an attribute with `value`; NULL: "there is none".
 *
 * 0: equal; 1: different; negative: it cannot be read.
 */
int libnvmf_registry_attr_equal(struct libnvme_global_ctx *ctx,
                                const char *device,
                                const char *attr,
                                const char *value);

/**
 * Sets an attribute; NULL: removes it. The owner, too, whoever that is: `nvmf_registry_claim` is
 * for programs that want to own what nobody owns.
 *
 * 0; -ENODEV: there is no such fabrics controller; -ENOENT: there is nothing to remove.
 */
int libnvmf_registry_update(struct libnvme_global_ctx *ctx,
                            const char *device,
                            const char *attr,
                            const char *value);

/**
 * Removes the whole entry of a controller.
 *
 * 0; -ENOENT: there is none.
 */
int libnvmf_registry_delete(struct libnvme_global_ctx *ctx, const char *device);

/**
 * Calls `callback` with every controller that has an entry and that there is.
 *
 * 0, also if there is no registry at all.
 */
int libnvmf_registry_device_for_each(struct libnvme_global_ctx *ctx,
                                     libnvmf_device_callback callback,
                                     void *user_data);

/**
 * Calls `callback` with every attribute of a controller's entry.
 *
 * 0; -ENOENT: there is no entry.
 */
int libnvmf_registry_attr_for_each(struct libnvme_global_ctx *ctx,
                                   const char *device,
                                   libnvmf_attr_callback callback,
                                   void *user_data);

/**
 * A transport id without any field.
 *
 * 0; -EINVAL: `out` is NULL.
 */
int libnvmf_tid_new(struct libnvmf_tid **out);

/**
 * A transport id of these fields; a NULL or empty one is not set. Addresses of tcp and rdma are
 * numeric and are kept in one way of writing them, so that equal ones have equal texts.
 *
 * 0; -EINVAL: an address that is none, a text that is not UTF-8 or that no text form can hold.
 */
int libnvmf_tid_from_fields(const char *transport,
                            const char *traddr,
                            const char *trsvcid,
                            const char *subsysnqn,
                            const char *host_traddr,
                            const char *host_iface,
                            const char *hostnqn,
                            const char *hostid,
                            struct libnvmf_tid **out);

/**
 * Reads `transport=tcp;traddr=192.0.2.10;…`, with the keys transport, traddr, trsvcid, nqn,
 * host-traddr, host-iface, hostnqn and hostid. What is not understood is left out, with a warning
 * if `ctx` is not NULL.
 *
 * 0; -EINVAL: an address of tcp or rdma that is not numeric, or NULL.
 */
int libnvmf_tid_parse(struct libnvme_global_ctx *ctx, const char *str, struct libnvmf_tid **out);

/**
 * Like `libnvmf_tid_parse`, but what is not understood is an error: an unknown key, a word
 * without "=", a key without a value.
 *
 * 0; -EINVAL.
 */
int libnvmf_tid_parse_strict(struct libnvme_global_ctx *ctx,
                             const char *str,
                             struct libnvmf_tid **out);

/**
 * A copy. NULL: `tid` is NULL, or out of memory.
 */
struct libnvmf_tid *libnvmf_tid_dup(const struct libnvmf_tid *tid);

/**
 * Sets the subsystem and the host; NULL leaves a field as it is. Where no hostid is set, the one
 * that the hostnqn has in it (`…:uuid:`) is.
 *
 * 0; -EINVAL: `tid` is NULL, or there would be a hostid without a hostnqn.
 */
int libnvmf_tid_set_identity(struct libnvmf_tid *tid, const char *subsysnqn, const char *hostnqn, const char *hostid);

/**
 * Whether no field is set, or `tid` is NULL.
 */
bool libnvmf_tid_is_empty(const struct libnvmf_tid *tid);

/**
 * Whether the text is a numeric IP address, with or without an IPv6 scope.
 */
bool libnvmf_traddr_is_numeric(const char *traddr);

/**
 * The canonical text, the fields that are set in a fixed order. It belongs to `tid`. NULL: `tid`
 * is.
 */
const char *libnvmf_tid_get_canonical(const struct libnvmf_tid *tid);

/**
 * The text for logs: `(transport, traddr, trsvcid[, nqn][, host-iface][, host-traddr])`. It belongs
 * to `tid`. NULL: `tid` is.
 */
const char *libnvmf_tid_str(const struct libnvmf_tid *tid);

/**
 * The transport, which belongs to `p`; NULL: not set.
 */
const char *libnvmf_tid_get_transport(const struct libnvmf_tid *p);

/**
 * The target's address, which belongs to `p`; NULL: not set.
 */
const char *libnvmf_tid_get_traddr(const struct libnvmf_tid *p);

/**
 * The target's port, which belongs to `p`; NULL: not set.
 */
const char *libnvmf_tid_get_trsvcid(const struct libnvmf_tid *p);

/**
 * The subsystem's NQN, which belongs to `p`; NULL: not set.
 */
const char *libnvmf_tid_get_subsysnqn(const struct libnvmf_tid *p);

/**
 * The host's address, which belongs to `p`; NULL: not set.
 */
const char *libnvmf_tid_get_host_traddr(const struct libnvmf_tid *p);

/**
 * The host's interface, which belongs to `p`; NULL: not set.
 */
const char *libnvmf_tid_get_host_iface(const struct libnvmf_tid *p);

/**
 * The host's NQN, which belongs to `p`; NULL: not set.
 */
const char *libnvmf_tid_get_hostnqn(const struct libnvmf_tid *p);

/**
 * The host's identifier, which belongs to `p`; NULL: not set.
 */
const char *libnvmf_tid_get_hostid(const struct libnvmf_tid *p);

/**
 * Frees a transport id and the texts that belong to it. NULL is fine.
 */
void libnvmf_tid_free(struct libnvmf_tid *p);

/**
 * Whether a connection must not be made: some entry has no field that `tid` lacks or that is
 * another there. The lists are read anew; one that cannot be read excludes nothing.
 */
bool libnvmf_exclusion_match(struct libnvme_global_ctx *ctx, const struct libnvmf_tid *tid);

/**
 * Whether a text is an entry that excludes something: key=value, all keys known, none empty.
 */
bool libnvmf_exclusion_entry_valid(struct libnvme_global_ctx *ctx, const char *entry);

/**
 * Calls `callback` with the name of every list; that of the default list is empty, and stands for
 * it in all other functions, as NULL does.
 *
 * 0, also if there is none.
 */
int libnvmf_exclusion_list_for_each(struct libnvme_global_ctx *ctx,
                                    libnvmf_text_callback callback,
                                    void *user_data);

/**
 * Calls `callback` with every entry of a list, as written, those that exclude nothing included.
 *
 * 0; -ENOENT: there is no such list.
 */
int libnvmf_exclusion_entry_for_each(struct libnvme_global_ctx *ctx,
                                     const char *name,
                                     libnvmf_text_callback callback,
                                     void *user_data);

/**
 * Makes an empty list.
 *
 * 0; -EEXIST: there is one of that name; -EINVAL: it is no name of a list.
 */
int libnvmf_exclusion_create(struct libnvme_global_ctx *ctx, const char *name);

/**
 * Deletes a list with all its entries.
 *
 * 0; -ENOENT: there is none of that name; -EINVAL: it is no name of a list.
 */
int libnvmf_exclusion_delete(struct libnvme_global_ctx *ctx, const char *name);

/**
 * Adds an entry, and makes the list where there is none. One that stands there is not added again.
 *
 * 0; -EINVAL: the entry would exclude nothing.
 */
int libnvmf_exclusion_add(struct libnvme_global_ctx *ctx, const char *name, const char *entry);

/**
 * Adds an entry for all controllers of a subsystem.
 *
 * 0; -EINVAL: `subsysnqn` is NULL, empty, or cannot be written to a list.
 */
int libnvmf_exclusion_add_subsysnqn(struct libnvme_global_ctx *ctx,
                                    const char *name,
                                    const char *subsysnqn);

/**
 * Removes an entry: the one that is written so, else one that says the same.
 *
 * 0; -ENOENT: there is none.
 */
int libnvmf_exclusion_remove(struct libnvme_global_ctx *ctx, const char *name, const char *entry);

/**
 * The text of a list, for an editor, and a number for `libnvmf_exclusion_write`. A list that is
 * not there is empty and has the number 0.
 *
 * 0, and the caller frees `*text`.
 */
int libnvmf_exclusion_read(struct libnvme_global_ctx *ctx,
                           const char *name,
                           char **text,
                           uint64_t *version);

/**
 * Gives a list a new text, whole or not at all.
 *
 * 0; -ESTALE: it was changed since `version` was read; -EINVAL: it would have entries that
 * exclude nothing.
 */
int libnvmf_exclusion_write(struct libnvme_global_ctx *ctx,
                            const char *name,
                            const char *text,
                            uint64_t version);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

enum libnvme_log_level {
  LIBNVME_LOG_ERR = 0,
  LIBNVME_LOG_WARN = 1,
  LIBNVME_LOG_INFO = 2,
  LIBNVME_LOG_DEBUG = 3,
  LIBNVME_LOG_DEBUG_VERBOSE = 4,
};

#define LIBNVME_DEFAULT_LOGLEVEL LIBNVME_LOG_WARN
