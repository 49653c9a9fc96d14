package mapping_test
import ("testing";"leadhit-sync/consumer/mapping")
func TestBad(t *testing.T){ _, err := mapping.Load(mapping.Options{Source:"/tmp/shop.yaml", Topics: []string{"shop.shopify","x"}}); t.Log("\n"+err.Error()) 
 for _, p := range mapping.Presets() { m, err := mapping.Load(mapping.Options{Source:p}); if err!=nil {t.Error(err); continue}; for _, f := range m.Check().Findings { t.Log(f) } }
}
