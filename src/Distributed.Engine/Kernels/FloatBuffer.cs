using System.Runtime.InteropServices;

namespace Distributed.Engine.Kernels;

/// <summary>Native float32 memory, 64-byte aligned, zeroed, with a margin at the end so that a vector may read past the last element.</summary>
internal sealed unsafe class FloatBuffer : IDisposable
{
    private const int Margin = 64;

    [ThreadStatic]
    private static long t_held;

    public FloatBuffer(long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Length = length;
        var bytes = checked((nuint)(length + Margin) * sizeof(float));
        Pointer = LargePages.TryAllocate(bytes) is var large and not null ? (float*)large : (float*)NativeMemory.AlignedAlloc(bytes, 64);
        NativeMemory.Clear(Pointer, bytes);
        GC.AddMemoryPressure((long)bytes);
        t_held += length;
    }

    ~FloatBuffer() => Free();

    /// <summary>Floats in buffers that the calling thread made and has not disposed of, margins not counted; for measuring what a piece of work takes.</summary>
    public static long HeldByThread => t_held;

    /// <summary>First element; null once disposed.</summary>
    public float* Pointer { get; private set; }

    /// <summary>Number of floats.</summary>
    public long Length { get; }

    public Span<float> Span => new(Pointer, checked((int)Length));

    public void Clear() => NativeMemory.Clear(Pointer, (nuint)Length * sizeof(float));

    public void Dispose()
    {
        if (Pointer is not null)
            t_held -= Length;
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (Pointer is null)
            return;
        NativeMemory.AlignedFree(Pointer);
        Pointer = null;
        GC.RemoveMemoryPressure((Length + Margin) * sizeof(float));
    }
}
