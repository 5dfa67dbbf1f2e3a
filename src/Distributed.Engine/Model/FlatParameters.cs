using Distributed.Engine.Kernels;
using Distributed.Ports;

namespace Distributed.Engine.Model;

/// <summary>Named float32 tensors back to back in one buffer, which is the wire layout too.</summary>
/// <param name="tensors">Names and shapes in the order of the buffer.</param>
internal abstract unsafe class FlatParameters(IReadOnlyList<TensorShape> tensors) : IDisposable
{
    private readonly FloatBuffer _buffer = new(tensors.Sum(tensor => tensor.ElementCount));

    /// <summary>Names and shapes in the order of the buffer.</summary>
    public IReadOnlyList<TensorShape> Tensors { get; } = tensors;

    /// <summary>The first parameter.</summary>
    public float* Pointer => _buffer.Pointer;

    /// <summary>All parameters.</summary>
    /// <exception cref="OverflowException">There are more than a span can hold.</exception>
    public Span<float> Span => _buffer.Span;

    /// <summary>Parameters in all.</summary>
    public long Count => _buffer.Length;

    /// <summary>Bytes of the flat layout.</summary>
    public long ByteCount => Count * sizeof(float);

    /// <summary>Copies the parameters to little-endian bytes.</summary>
    public void CopyTo(Span<byte> bytes)
    {
        if (bytes.Length != ByteCount)
            throw new ArgumentException($"The weights take {ByteCount} bytes, not {bytes.Length}.", nameof(bytes));
        FlatBytes.Write(Pointer, bytes);
    }

    /// <summary>Overwrites the parameters from little-endian bytes.</summary>
    /// <exception cref="ArgumentException">Wrong length, or a value that is not finite; nothing is changed then.</exception>
    public void CopyFrom(ReadOnlySpan<byte> bytes)
    {
        if (FlatCheck.Complaint(bytes, Count) is { } complaint)
            throw new ArgumentException(complaint, nameof(bytes));
        FlatBytes.Read(bytes, Pointer);
    }

    public void Dispose() => _buffer.Dispose();
}
