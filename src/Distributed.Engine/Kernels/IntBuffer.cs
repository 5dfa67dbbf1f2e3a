using System.Runtime.CompilerServices;

namespace Distributed.Engine.Kernels;

/// <summary>Pinned ints that grow when asked to and never shrink.</summary>
internal sealed unsafe class IntBuffer
{
    private int[] _values = GC.AllocateUninitializedArray<int>(64, pinned: true);

    public int* Pointer => (int*)Unsafe.AsPointer(ref _values[0]);

    public ref int this[int index] => ref _values[index];

    /// <summary>Makes room for <paramref name="count"/> values; what was there stays.</summary>
    public void Reserve(int count)
    {
        if (count <= _values.Length)
            return;
        var larger = GC.AllocateUninitializedArray<int>(Math.Max(count, _values.Length * 2), pinned: true);
        _values.CopyTo(larger, 0);
        _values = larger;
    }
}
