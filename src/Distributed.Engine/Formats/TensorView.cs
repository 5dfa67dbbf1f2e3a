using System.IO.MemoryMappedFiles;

namespace Distributed.Engine.Formats;

/// <summary>A tensor's bytes in a memory map; gone when disposed.</summary>
internal readonly unsafe struct TensorView : IDisposable
{
    private readonly MemoryMappedViewAccessor? _accessor;

    public TensorView(MemoryMappedViewAccessor? accessor)
    {
        _accessor = accessor;
        if (accessor is null)
            return;
        byte* start = null;
        accessor.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        Pointer = start + accessor.PointerOffset;
    }

    /// <summary>The first byte; null for a tensor without elements.</summary>
    public byte* Pointer { get; }

    public void Dispose()
    {
        _accessor?.SafeMemoryMappedViewHandle.ReleasePointer();
        _accessor?.Dispose();
    }
}
