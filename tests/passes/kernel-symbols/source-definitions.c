/* SPDX-License-Identifier: GPL-2.0 */
// What a kernel source defines is the running kernel's, also what is static; state of messages that come once is the program's
// own, and so is what the user wants to be. (The sources of the test are the kernel's.)
//
// RUN: gpufas-cc --kernel-headers %kernel --kernel-source %source -c --emit llvm-ir %source/mm/oom_kill.c -o - | FileCheck-22 %s
// RUN: gpufas-cc --kernel-headers %kernel --kernel-source %source --own 'mm/*.c:oom_victims' --own sysctl_* \
// RUN:   -c --emit llvm-ir %source/mm/oom_kill.c -o - | FileCheck-22 --check-prefix=OWN %s
// RUN: gpufas-cc --kernel-headers %kernel --kernel-source %source --kernel-symbol 'mm/*.c:oom_victims' \
// RUN:   -c --emit llvm-ir %source/mm/oom_kill.c -o - | FileCheck-22 --check-prefix=ONLY %s
// RUN: gpufas-cc --kernel-headers %kernel --kernel-source %source -c --emit llvm-ir %source/lib/refcount.c -o - \
// RUN:   | FileCheck-22 --check-prefix=ONCE %s
//
// CHECK-NOT: @llvm.used
// CHECK-DAG: @oom_lock = external {{.*}}global %struct.mutex
// CHECK-DAG: @"mm/oom_kill.c:sysctl_panic_on_oom" = external {{.*}}global i32
// CHECK-DAG: @"mm/oom_kill.c:oom_victims" = external {{.*}}global
// CHECK-DAG: @"mm/oom_kill.c:{{[a-z_]+}}.oom_rs" = external {{.*}}global
// CHECK-DAG: @oom_constraint_text = internal constant {{.*}} section "gpufas.kernel:mm/oom_kill.c:oom_constraint_text"
// CHECK: define {{.*}} @oom_badness({{.*}} [[GLOBAL:#[0-9]+]]
// CHECK: define internal {{.*}} @oom_kill_process({{.*}} [[STATIC:#[0-9]+]]
// CHECK: attributes [[GLOBAL]] = {{.*}}"gpufas-kernel-symbol"="oom_badness"
// CHECK: attributes [[STATIC]] = {{.*}}"gpufas-kernel-symbol"="mm/oom_kill.c:oom_kill_process"
// CHECK: !{!"mm/oom_kill.c", !"names", {{.*}}!"oom_kill_process"
// CHECK: !{!"mm/oom_kill.c", !"inlines", {{.*}}!"mem_cgroup_disabled"
//
// OWN-DAG: @sysctl_panic_on_oom = internal global i32 0
// OWN-DAG: @oom_victims = internal global
// OWN-DAG: @"mm/oom_kill.c:oom_reaper_list" = external
//
// ONLY-DAG: @"*:oom_victims" = external
// ONLY-DAG: @"mm/oom_kill.c:oom_reaper_list" = external
//
// ONCE: @refcount_warn_saturate.__already_done = internal global {{.*}}section ".data.once"
