; SPDX-License-Identifier: MIT OR Apache-2.0
;
; What LLVM's code generation for the host may call and a shared object without libraries must bring along: it turns
; copies, fills and comparisons of the program's own memory that are too long for a few instructions into calls.
; Hidden and in sections of their own, so that the linker takes what is used.

define hidden ptr @memcpy(ptr noalias returned %to, ptr noalias %from, i64 %size) #0 section ".text.memcpy" {
  %ignored = call { ptr, ptr, i64 } asm sideeffect "rep movsb", "={di},={si},={cx},0,1,2,~{memory},~{dirflag},~{fpsr},~{flags}"(ptr %to, ptr %from, i64 %size)
  ret ptr %to
}

define hidden ptr @memset(ptr returned %to, i32 %byte, i64 %size) #0 section ".text.memset" {
  %value = trunc i32 %byte to i8
  %ignored = call { ptr, i64 } asm sideeffect "rep stosb", "={di},={cx},{ax},0,1,~{memory},~{dirflag},~{fpsr},~{flags}"(i8 %value, ptr %to, i64 %size)
  ret ptr %to
}

define hidden ptr @memmove(ptr returned %to, ptr %from, i64 %size) #0 section ".text.memmove" {
entry:
  %to.number = ptrtoint ptr %to to i64
  %from.number = ptrtoint ptr %from to i64
  %distance = sub i64 %to.number, %from.number
  ; A copy to what lies behind its source must begin at the end.
  %forwards = icmp uge i64 %distance, %size
  br i1 %forwards, label %forward, label %check

forward:
  %ignored = call ptr @memcpy(ptr %to, ptr %from, i64 %size)
  ret ptr %to

check:
  %left = phi i64 [ %size, %entry ], [ %rest, %backward ]
  %done = icmp eq i64 %left, 0
  br i1 %done, label %end, label %backward

backward:
  %rest = sub i64 %left, 1
  %source = getelementptr i8, ptr %from, i64 %rest
  %target = getelementptr i8, ptr %to, i64 %rest
  %byte = load volatile i8, ptr %source
  store volatile i8 %byte, ptr %target
  br label %check

end:
  ret ptr %to
}

define hidden i32 @memcmp(ptr %a, ptr %b, i64 %size) #0 section ".text.memcmp" {
entry:
  br label %check

check:
  %index = phi i64 [ 0, %entry ], [ %next, %equal ]
  %done = icmp eq i64 %index, %size
  br i1 %done, label %same, label %compare

compare:
  %pa = getelementptr i8, ptr %a, i64 %index
  %pb = getelementptr i8, ptr %b, i64 %index
  %va = load volatile i8, ptr %pa
  %vb = load volatile i8, ptr %pb
  %differ = icmp ne i8 %va, %vb
  br i1 %differ, label %found, label %equal

equal:
  %next = add i64 %index, 1
  br label %check

found:
  %wa = zext i8 %va to i32
  %wb = zext i8 %vb to i32
  %difference = sub i32 %wa, %wb
  ret i32 %difference

same:
  ret i32 0
}

define hidden i32 @bcmp(ptr %a, ptr %b, i64 %size) #0 section ".text.bcmp" {
  %result = call i32 @memcmp(ptr %a, ptr %b, i64 %size)
  ret i32 %result
}

; The code generator must not recognise these as what they are, and call themselves.
attributes #0 = { nounwind "no-builtins" }
