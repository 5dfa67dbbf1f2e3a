using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Distributed.Engine.Kernels;

/// <summary>Asks for a cache line before it is needed, where the processor has an instruction for it; does nothing elsewhere.</summary>
internal static unsafe class Fetch
{
    /// <summary>Into the nearest cache.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Near(float* line)
    {
        if (Sse.IsSupported)
            Sse.Prefetch0(line);
    }
}
