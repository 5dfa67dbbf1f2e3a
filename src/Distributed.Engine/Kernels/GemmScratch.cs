namespace Distributed.Engine.Kernels;

/// <summary>One thread's room for copies of the two sides of a weight gradient's product.</summary>
internal sealed unsafe class GemmScratch : IDisposable
{
    /// <summary>Depth handled at once: a panel of it fills half of the nearest cache.</summary>
    public const int Depth = 128;
    private FloatBuffer _strips = new(0);
    private FloatBuffer _panels = new(0);

    /// <summary>[rows / height][depth][height].</summary>
    public float* Strips => _strips.Pointer;

    /// <summary>[columns / 32][depth][32].</summary>
    public float* Panels => _panels.Pointer;

    public GemmScratch Reserve(int rows, int columns)
    {
        Grow(ref _strips, (long)rows * (Depth + 2));
        Grow(ref _panels, PackedMatrix.PanelFloats(Depth, columns));
        return this;
    }

    public void Dispose()
    {
        _strips.Dispose();
        _panels.Dispose();
    }

    private static void Grow(ref FloatBuffer buffer, long floats)
    {
        if (floats <= buffer.Length)
            return;
        buffer.Dispose();
        buffer = new FloatBuffer(floats);
    }
}
