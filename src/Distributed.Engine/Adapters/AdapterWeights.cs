using Distributed.Engine.Model;

namespace Distributed.Engine.Adapters;

/// <summary>An adapter's parameters, flat in the order of <see cref="AdapterLayout"/>.</summary>
internal sealed unsafe class AdapterWeights(AdapterLayout layout) : FlatParameters(layout.Tensors)
{
    public AdapterLayout Layout { get; } = layout;

    /// <summary>An adapter that changes nothing yet: B is zero, A uniform in +-1/sqrt(in), as PEFT begins (torch's kaiming_uniform with a = sqrt(5)).</summary>
    public static AdapterWeights Random(AdapterLayout layout, ulong seed)
    {
        var weights = new AdapterWeights(layout);
        var random = new UniformStream(seed);
        foreach (var matrix in layout.Matrices)
        {
            var bound = 1 / Math.Sqrt(matrix.Inputs);
            var a = weights.Pointer + matrix.A;
            for (long i = 0; i < (long)matrix.Rank * matrix.Inputs; i++)
                a[i] = (float)(bound * ((2 * random.Next()) - 1));
        }

        return weights;
    }

    /// <summary>Adds scale B A to rows [firstRow, firstRow + rows) of the matrix's weight, [rows, in].</summary>
    public void AddDelta(AdapterMatrix matrix, float* weight, int firstRow, int rows)
    {
        for (var row = 0; row < rows; row++)
        {
            var b = Pointer + matrix.B + ((long)(firstRow + row) * matrix.Rank);
            var to = weight + ((long)row * matrix.Inputs);
            for (var i = 0; i < matrix.Inputs; i++)
            {
                double delta = 0;
                for (var r = 0; r < matrix.Rank; r++)
                    delta += (double)b[r] * Pointer[matrix.A + ((long)r * matrix.Inputs) + i];
                to[i] = (float)(to[i] + (matrix.Scale * delta));
            }
        }
    }

    /// <summary>Merges into a model's flat weights.</summary>
    public void MergeInto(ModelWeights weights)
    {
        foreach (var matrix in Layout.Matrices)
        {
            var tensor = weights.Layout.IndexOf(matrix.Module.Name + ".weight");
            AddDelta(matrix, weights.Pointer + weights.Layout.OffsetOf(tensor), 0, matrix.Outputs);
        }
    }
}
