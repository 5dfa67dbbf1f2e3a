namespace Distributed.Engine.Model;

/// <summary>The projections of a decoder layer, as Hugging Face has them.</summary>
internal enum Projection
{
    Query,
    Key,
    Value,
    Output,
    Gate,
    Up,
    Down,
}

/// <summary>The matrices of a decoder layer, as the engine computes with them: keys and values lie side by side, gates and ups too.</summary>
internal enum LayerMatrix
{
    Query,
    KeyValue,
    Output,
    GateUp,
    Down,
}

/// <summary>Names, places and sizes of projections.</summary>
internal static class Projections
{
    public static IReadOnlyList<Projection> All { get; } = Enum.GetValues<Projection>();

    /// <summary>Hugging Face's name of the module inside a layer.</summary>
    public static string ModuleName(this Projection projection) => projection switch
    {
        Projection.Query => "self_attn.q_proj",
        Projection.Key => "self_attn.k_proj",
        Projection.Value => "self_attn.v_proj",
        Projection.Output => "self_attn.o_proj",
        Projection.Gate => "mlp.gate_proj",
        Projection.Up => "mlp.up_proj",
        _ => "mlp.down_proj",
    };

    /// <summary>The matrix a projection is part of.</summary>
    public static LayerMatrix Matrix(this Projection projection) => projection switch
    {
        Projection.Query => LayerMatrix.Query,
        Projection.Key or Projection.Value => LayerMatrix.KeyValue,
        Projection.Output => LayerMatrix.Output,
        Projection.Gate or Projection.Up => LayerMatrix.GateUp,
        _ => LayerMatrix.Down,
    };

    /// <summary>First column of a projection's outcome in its matrix's.</summary>
    public static int ColumnOf(this ModelConfig config, Projection projection) => projection switch
    {
        Projection.Value => config.KeyValueWidth,
        Projection.Up => config.IntermediateSize,
        _ => 0,
    };

    /// <summary>Floats a projection gives per row.</summary>
    public static int OutputsOf(this ModelConfig config, Projection projection) => projection switch
    {
        Projection.Query => config.QueryWidth,
        Projection.Key or Projection.Value => config.KeyValueWidth,
        Projection.Gate or Projection.Up => config.IntermediateSize,
        _ => config.HiddenSize,
    };

    /// <summary>Floats a matrix takes per row.</summary>
    public static int InputsOf(this ModelConfig config, LayerMatrix matrix) => matrix switch
    {
        LayerMatrix.Output => config.QueryWidth,
        LayerMatrix.Down => config.IntermediateSize,
        _ => config.HiddenSize,
    };

    /// <summary>Floats a matrix gives per row.</summary>
    public static int OutputsOf(this ModelConfig config, LayerMatrix matrix) => matrix switch
    {
        LayerMatrix.Query => config.QueryWidth,
        LayerMatrix.KeyValue => 2 * config.KeyValueWidth,
        LayerMatrix.GateUp => 2 * config.IntermediateSize,
        _ => config.HiddenSize,
    };
}
