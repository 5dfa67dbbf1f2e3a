using static TorchSharp.torch;

namespace Distributed.Engine.Torch.Model;

/// <summary>Several lists of numbers that go to the device in one copy.</summary>
internal sealed class Upload
{
    private readonly List<long> _values = [];
    private Tensor? _sent;

    /// <summary>A part of what is sent.</summary>
    /// <param name="Start">Its first number.</param>
    /// <param name="Length">How many.</param>
    internal readonly record struct Part(int Start, int Length);

    /// <summary>Adds numbers; not after <see cref="Send"/>.</summary>
    public Part Add(IReadOnlyCollection<long> values)
    {
        var part = new Part(_values.Count, values.Count);
        _values.AddRange(values);
        return part;
    }

    /// <summary>Copies all of it; the tensor belongs to the caller's scope.</summary>
    public void Send(Device device) => _sent = tensor(_values.ToArray(), device: device);

    /// <summary>A part on the device, [length]; belongs to the caller's scope.</summary>
    public Tensor this[Part part] => _sent!.narrow(0, part.Start, part.Length);
}
