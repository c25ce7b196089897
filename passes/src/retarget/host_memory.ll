; SPDX-License-Identifier: MIT OR Apache-2.0
;
; What LLVM may call on its own in a program for the host. The string instructions keep LLVM from making calls of these
; functions out of their own loops; the direction flag is clear (System V ABI for AMD64, 3.2.1).

@llvm.used = appending global [3 x ptr] [ptr @memcpy, ptr @memmove, ptr @memset], section "llvm.metadata"

define hidden ptr @memcpy(ptr %to, ptr %from, i64 %size) #0 {
  %moved = call { ptr, ptr, i64 } asm sideeffect "rep movsb", "={di},={si},={cx},0,1,2,~{memory},~{dirflag},~{fpsr},~{flags}"(ptr %to, ptr %from, i64 %size)
  ret ptr %to
}

define hidden ptr @memmove(ptr %to, ptr %from, i64 %size) #0 {
  %start = ptrtoint ptr %from to i64
  %target = ptrtoint ptr %to to i64
  %distance = sub i64 %target, %start
  %overlaps = icmp ult i64 %distance, %size
  br i1 %overlaps, label %backward, label %forward

backward:
  %before = sub i64 %size, 1
  %last.to = getelementptr i8, ptr %to, i64 %before
  %last.from = getelementptr i8, ptr %from, i64 %before
  %back = call { ptr, ptr, i64 } asm sideeffect "std; rep movsb; cld", "={di},={si},={cx},0,1,2,~{memory},~{dirflag},~{fpsr},~{flags}"(ptr %last.to, ptr %last.from, i64 %size)
  ret ptr %to

forward:
  %forth = call { ptr, ptr, i64 } asm sideeffect "rep movsb", "={di},={si},={cx},0,1,2,~{memory},~{dirflag},~{fpsr},~{flags}"(ptr %to, ptr %from, i64 %size)
  ret ptr %to
}

define hidden ptr @memset(ptr %to, i32 %byte, i64 %size) #0 {
  %filled = call { ptr, i64 } asm sideeffect "rep stosb", "={di},={cx},0,1,{ax},~{memory},~{dirflag},~{fpsr},~{flags}"(ptr %to, i64 %size, i32 %byte)
  ret ptr %to
}

attributes #0 = { noinline nounwind "no-builtins" }
